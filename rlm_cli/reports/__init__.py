"""A Report, and an Inspection, as people and programs read them."""

from rlm_cli.reports.inspection import inspection_json, inspection_text
from rlm_cli.reports.rendering import FORMATS, render
from rlm_cli.reports.summary import remarks, summary_line
from rlm_cli.reports.text import answer_text
from rlm_cli.reports.words import no_answer

__all__ = [
    "FORMATS",
    "answer_text",
    "inspection_json",
    "inspection_text",
    "no_answer",
    "remarks",
    "render",
    "summary_line",
]
