"""The result as JSON, schema_version 1: what CI jobs rely on. New keys may come, none goes."""

import json
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from rlm_cli.report import Report
from rlm_cli.results import Withheld
from rlm_cli.schemas import parse
from rlm_cli.types import Profile, Usage

SCHEMA_VERSION = 1


def render_json(report: Report) -> str:
    """Return one JSON object, ASCII only, so that any pipe takes it."""
    task, result, sifted = report.task, report.result, report.sifted
    context, profile = task.context, task.profile
    plain: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "run_id": task.run_id,
        "status": result.status,
        "stop_reason": result.stop_reason,
        "limits_reached": list(result.limits_reached),
        "question": report.hide(task.question),
        "answer": result.answer,
        **({"answer_json": _value(result.answer, task.schema)} if task.schema is not None else {}),
        "doubt": result.doubt,
        "error": {"message": result.error.message, "hint": result.error.hint} if result.error else None,
        "warnings": list(result.warnings),
        "failed_subcalls": [{"error": error, "times": times} for error, times in result.failed_subcalls],
        "context": {
            "sha256": context.sha256,
            "characters": context.characters,
            "tokens": context.tokens,
            "tokens_exact": context.tokens_exact,
            "documents": len(context.documents),
            "skipped": context.skipped_by_reason(),
            "inputs": list(context.inputs),
        },
        "profile": profile.name,
        "strategy": task.strategy,
        "task": task.template,
        "models": {"root": profile.root.model, "sub": profile.sub.model},
        "refine": _second_pass(profile),
        "iterations": result.iterations,
        "subcalls": result.subcalls,
        "max_depth_reached": result.max_depth_reached,
        "usage": {
            "root": _usage(result.usage_root),
            "sub": _usage(result.usage_sub),
            "total": _usage(result.usage),
        },
        "citations": [asdict(each) for each in result.citations],
        "fail_on": report.fail_on,
        "findings": [
            *(asdict(each) | {"known": False} for each in sifted.reported),
            *(asdict(each) | {"known": True} for each in sifted.known),
        ],
        "refuted_findings": [asdict(each) for each in sifted.refuted],
        "withheld_findings": [_withheld(each) for each in sifted.withheld],
        "rejected_findings": result.rejected_findings,
        "redacted": dict(result.redacted),
        "coverage": asdict(result.coverage) if result.coverage is not None else None,
        "elapsed_seconds": round(result.elapsed_seconds, 3),
    }
    return json.dumps(plain, ensure_ascii=True, indent=2) + "\n"


def _value(answer: str, schema: str) -> Any:
    """Return the value that an answer by a schema is; None where it is none: a partial one need not fit."""
    with suppress(ValueError):
        return parse(schema, answer)
    return None


def _second_pass(profile: Profile) -> dict[str, Any] | None:
    later = profile.refine
    return None if later is None else {"profile": later.name, "root": later.root.model, "sub": later.sub.model}


def _withheld(withheld: Withheld) -> dict[str, Any]:
    """Return the finding with `why` and, under `said`, the reason: `reason` is what the check said."""
    return asdict(withheld.finding) | {"why": withheld.why, "said": withheld.reason}


def _usage(usage: Usage) -> dict[str, Any]:
    plain = asdict(usage)
    for name in ("cost_usd", "saved_usd"):
        if plain[name] is not None:
            # Sums of floats: what is beyond a millionth of a cent is noise.
            plain[name] = round(plain[name], 8)
    return plain
