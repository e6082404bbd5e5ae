"""Whole runs over servers that fail: what becomes of the answer, what is asked again, what is paid.

Covered: each fault that passes, at the sub-model and at the root model; faults that stay; odd replies. Servers that are
down for a while, and what goes on after a run: test_faults_outage.py.
"""

from pathlib import Path

import pytest
from support.model_server import Scripted, rate_limited
from support.openai_server import wrong_key
from support.wire_runs import PRICE, WireRun, batch, fine

from rlm_cli.events import ModelReplied, SubcallFinished
from rlm_cli.results import ExitCode

HTML = "<html><head></head><body><h1>502 Bad Gateway</h1></body></html>"
HALF = '{"id": "1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "half of'
PASSING = {
    "429 with Retry-After": rate_limited(0.2),
    "429": rate_limited(),
    "500": Scripted(status=500),
    "502 and a web page": Scripted(status=502, raw=HTML),
    "503": Scripted(status=503),
    "503 with Retry-After": Scripted(status=503, headers={"Retry-After": "0.2"}),
    "504": Scripted(status=504),
    "529": Scripted(status=529),
    "hung up": Scripted(drop=True),
    "hung up in mid-body": Scripted("x" * 500, cut=True),
    "reset in mid-body": Scripted("x" * 500, reset=True),
    "half a JSON body": Scripted(raw=HALF),
}
"""Faults that are gone when the call is tried again."""
ANSWERS = ["re p0", "re p1", "re p2", "re p3"]


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_costs_nothing_but_time(name: str, tmp_path: Path) -> None:
    fault = PASSING[name]
    run = WireRun(
        tmp_path,
        sub=lambda prompt, time: fault if time == 1 and prompt in ("p0", "p1") else fine(prompt, time),
        root=lambda _, time: fault if time == 1 else batch(4),
    )
    assert (run.result.status, run.result.stop_reason, run.answers) == ("complete", "final", ANSWERS)
    # What had its reply is not asked again.
    assert run.counts == {"root": 2, "p0": 2, "p1": 2, "p2": 1, "p3": 1}
    assert (run.result.usage_root.calls, run.result.usage_sub.calls) == (1, 4)
    assert (run.result.iterations, run.result.subcalls, run.failures) == (1, 4, {})
    assert run.result.usage_sub.cost_usd == pytest.approx(4 * (10 * PRICE.input + 5 * PRICE.output) / 1e6)
    assert run.left_alone


STAYING = {
    "bad request": (Scripted(status=400), "does not take the request"),
    "wrong key": (wrong_key("sk-x"), "does not accept"),
    "no permission": (Scripted(status=403), "does not accept"),
    "refusal": (Scripted(None, refusal="I cannot help with that"), "declined to answer: I cannot help with that"),
    "content filter": (Scripted("partly", finish_reason="content_filter"), "stopped by the provider's content filter"),
    "web page": (Scripted(raw=HTML), "sent a web page"),
    "no JSON": (Scripted(raw="{bad json"), "sent something that is no chat reply"),
    "body without end": (Scripted(endless="fast"), "without end"),
    "empty": (Scripted(""), "empty reply"),
    "body that drips": (Scripted(endless="slow"), "did not answer within 3 s"),
    "headers that drip": (Scripted(endless="headers"), "did not answer within 3 s"),
    "silence": (Scripted(delay=60), "did not answer within 3 s"),
}
"""Faults that another attempt does not mend, or that take all the time of a call: a part of the error message."""
BILLED = ("refusal", "content filter", "empty")


def test_what_cannot_succeed_is_asked_once_and_leaves_the_others_alone(tmp_path: Path) -> None:
    faults = list(STAYING.values())
    number = len(faults) + 3
    run = WireRun(
        tmp_path,
        lambda prompt, time: faults[int(prompt[1:])][0] if int(prompt[1:]) < len(faults) else fine(prompt, time),
        number=number,
        spec={"timeout": 3},
    )
    assert (run.result.status, run.result.stop_reason) == ("complete", "final")
    assert run.answers == [*[None] * len(faults), *(f"re p{n}" for n in range(len(faults), number))]
    assert run.counts == {"root": 1, **{f"p{n}": 1 for n in range(number)}}
    assert run.result.usage_sub.calls == 3 + len(BILLED)
    _, *printed = run.printed.splitlines()  # the first is the summary of the batch
    for name, line in zip(STAYING, printed, strict=False):
        assert line.startswith("FAILED ")
        assert STAYING[name][1] in line
    assert sum(run.failures.values()) == len(faults)
    assert run.left_alone


def test_a_silent_model_is_replaced_by_its_stand_in(tmp_path: Path) -> None:
    def sub(prompt: str, time: int) -> str | Scripted:
        return fine(prompt.partition(":")[2], time) if ":" in prompt else Scripted(delay=60)

    run = WireRun(tmp_path, sub, spec={"timeout": 2}, stand_in="second")
    assert run.answers == ANSWERS
    assert [run.counts[f"second:p{number}"] for number in range(4)] == [1, 1, 1, 1]
    assert run.result.usage_sub.calls == 4
    assert {event.model for event in run.events if isinstance(event, SubcallFinished)} == {"openai/second"}


ROOT_STAYING = {
    "wrong key": (wrong_key("sk-x"), "error", ExitCode.MODEL, 0),
    "bad request": (Scripted(status=400), "error", ExitCode.MODEL, 0),
    "refusal": (Scripted(None, refusal="no"), "refused", ExitCode.INCOMPLETE, 1),
    "content filter": (Scripted("", finish_reason="content_filter"), "refused", ExitCode.INCOMPLETE, 1),
    "web page": (Scripted(raw=HTML), "error", ExitCode.MODEL, 0),
}


@pytest.mark.parametrize("name", ROOT_STAYING)
def test_a_root_model_that_cannot_answer_ends_the_run_at_once(name: str, tmp_path: Path) -> None:
    reply, stop_reason, code, paid = ROOT_STAYING[name]
    run = WireRun(tmp_path, root=lambda *_: reply)
    assert run.counts == {"root": 1}
    assert run.result.stop_reason == stop_reason
    assert run.result.error is not None
    assert run.result.error.exit_code == code
    assert run.result.usage.calls == paid
    assert run.left_alone


# --- replies that are odd -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        Scripted("re x", with_usage=False),
        Scripted("re x", output_tokens=-(10**6)),
        Scripted("re x", input_tokens=10**400),
        Scripted("re x", cached_tokens=10**12),
    ],
    ids=["none", "negative", "enormous", "more cached than sent"],
)
def test_wrong_usage_figures_are_replaced_by_a_count(odd: Scripted, tmp_path: Path) -> None:
    run = WireRun(tmp_path, lambda *_: odd)
    assert run.answers == ["re x"] * 4
    usage = run.result.usage_sub
    assert usage.calls == 4
    assert 4 <= usage.input_tokens <= 4 * 10
    assert 4 <= usage.output_tokens <= 4 * 10
    assert usage.cost_usd is not None
    assert 0 < usage.cost_usd <= 4 * (10 * PRICE.input + 10 * PRICE.output) / 1e6


def test_a_cut_reply_is_a_text_that_says_so(tmp_path: Path) -> None:
    code = "```repl\nreply = llm_query('p0')\nFINAL([str(reply), reply.ok, reply.truncated])\n```"
    run = WireRun(tmp_path, lambda *_: Scripted("half a sen", finish_reason="length"), root=code)
    assert run.result.answer == '["half a sen", true, true]'
    assert run.counts == {"root": 1, "p0": 1}


def test_a_reply_of_five_million_characters_reaches_the_code_whole(tmp_path: Path) -> None:
    code = "```repl\nreply = llm_query('p0')\nFINAL([len(reply), reply == 'ä' * 5_000_000, reply.truncated])\n```"
    run = WireRun(tmp_path, lambda *_: "ä" * 5_000_000, root=code)
    assert run.result.answer == "[5000000, true, false]"
    assert run.counts == {"root": 1, "p0": 1}
    [reply] = [event for event in run.events if isinstance(event, SubcallFinished)]
    assert len(reply.text) == 5_000_000


def test_code_that_is_cut_at_the_limit_is_not_run_but_asked_for_again(tmp_path: Path) -> None:
    cut = Scripted(batch(4).removesuffix("\n```"), finish_reason="length")
    run = WireRun(tmp_path, root=lambda _, time: cut if time == 1 else batch(4))
    assert (run.answers, run.result.iterations, run.result.usage_root.calls) == (ANSWERS, 2, 2)
    assert run.counts == {"root": 2, "p0": 1, "p1": 1, "p2": 1, "p3": 1}
    assert [event.truncated for event in run.events if isinstance(event, ModelReplied)] == [True, False]
