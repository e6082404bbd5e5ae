"""Phrases that several reports share."""

from rlm_cli.results import Result


def no_answer(result: Result) -> str:
    """Return what stands where an answer would."""
    return {
        "failed": "No answer: the run failed.",
        "interrupted": "No answer: the run was interrupted.",
    }.get(result.status, f"No answer: the run ended ({result.stop_reason}) before the model gave one.")
