"""Phrases that several reports share."""

from rlm_cli.results import Result


def no_answer(result: Result) -> str:
    """Return what stands where an answer would."""
    return {
        "failed": "No answer: the run failed.",
        "interrupted": "No answer: the run was interrupted.",
    }.get(result.status, f"No answer: the run ended ({result.stop_reason}) before the model gave one.")


def shortened(text: str, most: int) -> str:
    """Return text of at most so many characters, with a sign where it goes on."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
