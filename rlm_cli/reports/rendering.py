"""Chooses the renderer: a pure function of a Report that returns the whole of it as text."""

from collections.abc import Callable

from rlm_cli.report import Report
from rlm_cli.reports.github import render_github
from rlm_cli.reports.gitlab import render_gitlab
from rlm_cli.reports.json import render_json
from rlm_cli.reports.junit import render_junit
from rlm_cli.reports.markdown import render_markdown
from rlm_cli.reports.sarif import render_sarif
from rlm_cli.reports.text import render_text

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": render_text,
    "markdown": render_markdown,
    "json": render_json,
    "sarif": render_sarif,
    "gitlab": render_gitlab,
    "junit": render_junit,
    "github": render_github,
}


def render(name: str, report: Report) -> str:
    """Return the report in the format called `name`, one of FORMATS."""
    return FORMATS[name](report)
