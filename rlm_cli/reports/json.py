"""The result as JSON, schema_version 1: what CI jobs rely on. New keys may come, none goes."""

import json
from dataclasses import asdict
from typing import Any

from rlm_cli.results import Result
from rlm_cli.task import Task
from rlm_cli.types import Usage

SCHEMA_VERSION = 1


def render_json(task: Task, result: Result) -> str:
    """Return one JSON object, ASCII only, so that any pipe takes it."""
    context, profile = task.context, task.profile
    plain: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "run_id": task.run_id,
        "status": result.status,
        "stop_reason": result.stop_reason,
        "limits_reached": list(result.limits_reached),
        "question": task.question,
        "answer": result.answer,
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
        "models": {"root": profile.root.model, "sub": profile.sub.model},
        "iterations": result.iterations,
        "subcalls": result.subcalls,
        "max_depth_reached": result.max_depth_reached,
        "usage": {
            "root": _usage(result.usage_root),
            "sub": _usage(result.usage_sub),
            "total": _usage(result.usage),
        },
        "citations": [asdict(each) for each in result.citations],
        "findings": [],
        "rejected_findings": 0,
        "redacted": dict(result.redacted),
        "elapsed_seconds": round(result.elapsed_seconds, 3),
    }
    return json.dumps(plain, ensure_ascii=True, indent=2) + "\n"


def _usage(usage: Usage) -> dict[str, Any]:
    plain = asdict(usage)
    for name in ("cost_usd", "saved_usd"):
        if plain[name] is not None:
            # Sums of floats: what is beyond a millionth of a cent is noise.
            plain[name] = round(plain[name], 8)
    return plain
