"""Chooses the renderer: a pure function of a task and its result that returns the whole report."""

from collections.abc import Callable

from rlm_cli.reports.json import render_json
from rlm_cli.reports.markdown import render_markdown
from rlm_cli.reports.text import render_text
from rlm_cli.results import Result
from rlm_cli.task import Task

FORMATS: dict[str, Callable[[Task, Result], str]] = {
    "text": render_text,
    "markdown": render_markdown,
    "json": render_json,
}


def render(name: str, task: Task, result: Result) -> str:
    """Return the report in the format called `name`, one of FORMATS."""
    return FORMATS[name](task, result)
