"""A Result as people and programs read it: text, Markdown, JSON."""

from rlm_cli.reports.rendering import FORMATS, render
from rlm_cli.reports.summary import summary_line

__all__ = ["FORMATS", "render", "summary_line"]
