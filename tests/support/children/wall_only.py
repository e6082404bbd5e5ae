"""The sandbox's child within its wall, without its fence."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from support.stripped import serve

serve(fence=False, wall=True)
