"""How a run went: one line, the last on stderr, and what a reader should know before it."""

from rlm_cli.amounts import cost, counted
from rlm_cli.finding_words import asked_for_findings, count_words
from rlm_cli.results import Result, Sifted


def summary_line(result: Result, documents: int, skipped: int, sifted: Sifted | None = None) -> str:
    """Return status, cost and coverage: how many documents were read and how many files were not; and findings."""
    usage = result.usage
    status = f"partial ({result.stop_reason})" if result.status == "partial" else result.status
    calls = f"{counted(result.iterations, 'iteration')}, {_subcalls(result)}"
    unsent = sum(times for error, times in result.failed_subcalls if error == "not sent")
    failed = sum(times for _, times in result.failed_subcalls) - unsent
    if failed or unsent:
        counts = ((failed, "failed"), (unsent, "not sent"))
        calls += f" ({', '.join(f'{number} {what}' for number, what in counts if number)})"
    if usage.earlier_calls and usage.saved_usd:
        calls += f", {cost(usage.saved_usd)} saved"
    read = f"{counted(documents, 'document')} read"
    if skipped:
        read += f", {counted(skipped, 'file')} skipped"
    evidence = [each for each in result.citations if each.quote is not None]
    if evidence:
        read += f", {sum(each.verified for each in evidence)} of {len(evidence)} quotes verified"
    if sifted is not None and asked_for_findings(result, sifted):
        if result.coverage is not None:
            read += f", {result.coverage.looked_at:,} looked at"
        read += f"; {count_words(sifted, result.rejected_findings)}"
    return (
        f"{status}: {cost(usage.cost_usd)}, {usage.input_tokens:,} tokens in, {usage.output_tokens:,} out, {calls}, "
        f"{result.elapsed_seconds:.1f} s; {read}"
    )


def _subcalls(result: Result) -> str:
    known = result.usage_sub.earlier_calls
    if not known:
        return counted(result.subcalls, "sub-call")
    return f"{known:,} of {counted(result.subcalls + known, 'sub-call')} from the cache"


def remarks(result: Result) -> list[str]:
    """Return the warnings, and which sub-calls failed."""
    failed = [
        f"{counted(times, 'sub-call')} {'not sent' if error == 'not sent' else f'failed: {error}'}"
        for error, times in result.failed_subcalls
    ]
    return [*result.warnings, *failed]
