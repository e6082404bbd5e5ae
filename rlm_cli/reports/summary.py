"""The one line that says how a run went: the last on stderr."""

from rlm_cli.types import Result


def summary_line(result: Result, documents: int, skipped: int) -> str:
    """Return status, cost and coverage: how many documents were read and how many files were not."""
    usage = result.usage
    cost = "cost unknown" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"
    status = f"partial ({result.stop_reason})" if result.status == "partial" else result.status
    calls = f"{_counted(result.iterations, 'iteration')}, {_counted(result.subcalls, 'sub-call')}"
    failed = sum(times for _, times in result.failed_subcalls)
    if failed:
        calls += f" ({failed} failed)"
    read = f"{_counted(documents, 'document')} read"
    if skipped:
        read += f", {_counted(skipped, 'file')} skipped"
    evidence = [each for each in result.citations if each.quote is not None]
    if evidence:
        read += f", {sum(each.verified for each in evidence)} of {len(evidence)} quotes verified"
    return (
        f"{status}: {cost}, {usage.input_tokens:,} tokens in, {usage.output_tokens:,} out, {calls}, "
        f"{result.elapsed_seconds:.1f} s; {read}"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
