"""The sandbox's child with both its layers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from support.stripped import serve

serve(fence=True, wall=True)
