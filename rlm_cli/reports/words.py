"""Phrases that several reports share."""

from rlm_cli.types import Citation, Result


def place(citation: Citation) -> str:
    """Return path:line, path:line-line or, where there are pages, path p. 12 with what is printed there instead."""
    if citation.page is not None:
        printed = citation.page_label not in (None, str(citation.page))
        return f"{citation.path} p. {citation.page}" + (f" (printed {citation.page_label})" if printed else "")
    if citation.line is None:
        return citation.path
    if citation.end_line is None or citation.end_line == citation.line:
        return f"{citation.path}:{citation.line}"
    return f"{citation.path}:{citation.line}-{citation.end_line}"


def no_answer(result: Result) -> str:
    """Return what stands where an answer would."""
    return {
        "failed": "No answer: the run failed.",
        "interrupted": "No answer: the run was interrupted.",
    }.get(result.status, f"No answer: the run ended ({result.stop_reason}) before the model gave one.")
