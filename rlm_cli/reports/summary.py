"""The one line that says how a run went: the last on stderr."""

from rlm_cli.types import Result


def summary_line(result: Result, documents: int, skipped: int) -> str:
    """Return status, cost and coverage: how many documents were read and how many files were not."""
    usage = result.usage
    cost = "cost unknown" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"
    status = f"partial ({result.stop_reason})" if result.status == "partial" else result.status
    calls = f"{result.iterations} iterations, {result.subcalls} sub-calls"
    failed = sum(times for _, times in result.failed_subcalls)
    if failed:
        calls += f" ({failed} failed)"
    read = f"{documents:,} documents read"
    if skipped:
        read += f", {skipped:,} files skipped"
    evidence = [each for each in result.citations if each.quote is not None]
    if evidence:
        read += f", {sum(each.verified for each in evidence)} of {len(evidence)} quotes verified"
    return (
        f"{status}: {cost}, {usage.input_tokens:,} tokens in, {usage.output_tokens:,} out, {calls}, "
        f"{result.elapsed_seconds:.1f} s; {read}"
    )
