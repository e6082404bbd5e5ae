"""Where a finding stands in the file itself, for trackers that open it there.

The text of a PDF, an office document or a notebook was made from the file: its lines are none of the file's, and such a
finding is at the file as a whole. Not covered: its place in words, `contract.pdf p. 3` (places.py).
"""

from urllib.parse import quote

from rlm_cli.context import Context
from rlm_cli.results import Finding
from rlm_cli.types import Document

_CONVERTED = frozenset("pdf docx docm pptx pptm xlsx xlsm xls epub msg doc ppt odt".split())
_PAGED_TEXT = ("text", "txt")


def has_own_lines(context: Context, finding: Finding) -> bool:
    """Tell whether the lines of a finding are lines of the file that its path names."""
    document = context.document(finding.path)
    return document is not None and not _is_converted(document)


def _is_converted(document: Document) -> bool:
    cells = document.parts is not None and document.parts.kind == "cell"
    paged = bool(document.pages) and document.kind not in _PAGED_TEXT
    return cells or paged or document.kind in _CONVERTED


def uri(path: str) -> str:
    """Return a document's path as a relative URI."""
    return quote(path, safe="/", errors="replace")
