"""The sandbox's child with nothing that would hold code: what each attempt must be able to break."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from support.stripped import serve

serve(fence=False, wall=False)
