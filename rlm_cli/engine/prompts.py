"""Every word the root model reads from us, in one place to look it up: the system prompt is in families/, what follows
an iteration in outcomes.py, and here is the first message.

It says what a run has: the question, the text's shape, the session. What changes goes into the last line of each later
message. Knows the values it words, and nothing of the loop.
"""

from collections.abc import Sequence

from rlm_cli import schemas
from rlm_cli.engine import depth
from rlm_cli.engine.families.standard import SYSTEM
from rlm_cli.engine.outcomes import (
    CUT_CODE,
    CUT_FINAL,
    EMPTY_FINAL,
    OUTCOME_TOKENS,
    SHOWN_TOKENS,
    UNSEEN,
    changed,
    closing_line,
    folded,
    last_word,
    names_a_variable,
    no_code,
    outcome,
)
from rlm_cli.engine.shape import describe
from rlm_cli.engine.templates import section
from rlm_cli.events import ROOT, CallPath
from rlm_cli.rules import OTHER, listed, rules_of
from rlm_cli.seams import ReplFacts
from rlm_cli.task import Task
from rlm_cli.types import Document, Limits, ModelSpec

__all__ = [
    "CUT_CODE",
    "CUT_FINAL",
    "EMPTY_FINAL",
    "OUTCOME_TOKENS",
    "REPORT_FINDING",
    "SHOWN_TOKENS",
    "SYSTEM",
    "UNSEEN",
    "changed",
    "closing_line",
    "first_message",
    "folded",
    "last_word",
    "names_a_variable",
    "no_code",
    "outcome",
]

_SECRETS = (
    "Where a secret stands, a model that is not on this machine is sent a token, <SECRET:kind:number>, in its place. "
    "Code sees the text itself, and a token in a reply (in code, quotes, the answer) is turned back into it: quote "
    "tokens as they are, and send a secret in no other form."
)


REPORT_FINDING = (
    "- report_finding(rule, title, message, path, quote, severity=None, cwe=None, confidence=0.7, line=None): reports "
    'a flaw with the lines that show it, copied. Prints "verified at path:line", or why it is not reported: you need '
    "not print what it returns. line chooses among several places."
)
_LIKELY = "re json csv ast datetime collections itertools statistics difflib textwrap hashlib html".split()
"""Modules of the many that are named, so that nobody asks for them."""


def first_message(task: Task, facts: ReplFacts, path: CallPath = ROOT) -> str:
    """Return the question, the context's description and what the session is like; `path` is the run's own."""
    profile = task.profile
    return "\n".join(
        [
            "# Question",
            "",
            task.question.strip(),
            "",
            *section(task),
            *(["# First pass", "", task.earlier, ""] if task.earlier is not None else []),
            "# Context",
            "",
            describe(task.context),
            "",
            "# Session",
            "",
            _sub_model(profile.sub, profile.limits),
            *depth.said(profile, path),
            *([_SECRETS] if task.secrets_hidden else []),
            f"A cell may compute for {profile.limits.cell_timeout:g} s, waiting for models not counted.",
            _python(facts),
            *(["", "# Advice", "", profile.prompts.advice.strip()] if profile.prompts.advice else []),
            "",
            _answer(task, path),
            *schemas.section(task),
            *(_findings(task) if task.findings else []),
        ]
    )


def _answer(task: Task, path: CallPath) -> str:
    """Return who reads the answer, and how places are written in it."""
    places = _places(task.context.documents)
    if task.schema is not None:
        return f"Places in evidence and doubt are written {places}." if places else ""
    named = f"; places in it are written {places}, unless the question says otherwise" if places else ""
    whom = "run that asked" if path.depth else "person who asked"
    return f"The answer is text for the {whom}{named}."


def _python(facts: ReplFacts) -> str:
    named = ", ".join(each for each in _LIKELY if each in facts.modules)
    return (
        f"Python {facts.python}; nothing is imported yet. There are {len(facts.modules)} standard modules for text, "
        f"structure, dates and mathematics, such as {named}. There are no files, network, processes, threads, async, "
        "eval, exec or globals(), nothing to install, and no attributes with double underscores (methods such "
        "as __init__ may be defined)."
    )


def _findings(task: Task) -> list[str]:
    """Return what is said where findings are asked for; the offline root model knows it by how it begins."""
    lines = [
        "",
        "# Findings",
        "",
        REPORT_FINDING,
        "Findings are asked for: report each with report_finding, once you have read the code around it and what calls "
        "it; what looks alike and is safe is none. One call a flaw, at the place where it has to be mended (where the "
        "dangerous query, path or address is put together, or the check is missing; not at the route), with the "
        "shortest quote that shows it (one to five whole lines). Only a finding whose quote is found in the text is "
        "reported. Findings are the evidence: leave `evidence` empty.",
        "Look for what no pattern finds, too: missing checks of who may do what, sessions, logic. title is one line; "
        "message says how it goes wrong and what to do; confidence is your own, 0 to 1. severity (critical, high, "
        "medium, low, info) and cwe are the rule's unless you say otherwise.",
        "rule is one of the following; where several fit, the one nearest to what has to be mended, and one only."
        f"{_rules(task)}",
    ]
    if task.verify:
        lines.append(
            "When you have answered, each finding is judged by another model call that sees the code around the place "
            "and what calls it, and not your message. Each takes a sub-call: leave that many."
        )
    if task.context.base is not None:
        lines.append(
            f"Only findings on lines that changed since {task.context.base} count (.changed of a row in `documents`); "
            "the rest is there to be read."
        )
    lines.append(
        "The answer is then a short summary: what was examined and how, what was not, what was found sound. It need "
        "not repeat the findings. If there are none, say what you looked for."
    )
    return lines


def _rules(task: Task) -> str:
    """Return the ids of the rules that may be meant."""
    rules = rules_of(task.profile)
    category = {"code-security": "security", "code-quality": "quality"}.get(task.template or "")
    if category is None:
        return f" Quality rules are for questions that ask for quality.\n{listed(rules)}"
    return "\n" + listed({name: each for name, each in rules.items() if each.category == category or each == OTHER})


def _places(documents: Sequence[Document]) -> str:
    """Return how places are to be named, where there is more than one way to; else ""."""
    paged = [document for document in documents if document.pages]
    if len(paged) == len(documents) > 0:
        return f"with the page, as in `{paged[0].path} p. 12`"
    kinds = {document.parts.kind for document in documents if document.parts is not None}
    parts = [f"path {kind} 3 where a document has {kind}s" for kind in ("record", "cell") if kind in kinds]
    if len(documents) == 1:
        return f"`{documents[0].path} {next(iter(kinds))} 3`" if kinds else ""
    others = [*(["path p. 12 where a document has pages"] if paged else []), *parts]
    return ", or ".join(["path:line", *others])


def _sub_model(sub: ModelSpec, limits: Limits) -> str:
    window = "unknown"
    if sub.context_window is not None:
        room = max(0, sub.context_window - sub.max_output_tokens)
        window = f"{sub.context_window:,} tokens (a prompt of up to about {room * 3:,} characters is safe)"
    return (
        f"Sub-model: {sub.model}, window {window}, replies up to {sub.max_output_tokens:,} tokens, "
        f"{limits.concurrency} calls side by side."
    )
