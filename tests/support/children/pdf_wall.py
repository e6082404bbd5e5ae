"""The sandbox's child within the wall of the reader of PDFs, without its fence: as if a PDF had taken it over."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from support.stripped import serve

from rlm_cli.confinement import confine
from rlm_cli.loaders.walled import CALLS, LIMITS

serve(fence=False, wall=lambda parent: confine(LIMITS, parent, CALLS))
