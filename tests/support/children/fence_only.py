"""The sandbox's child behind its fence, without its wall."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from support.stripped import serve

serve(fence=True, wall=False)
