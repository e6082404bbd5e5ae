"""The kind `code-security`: data that flows from source to sink across files, checks that are missing, secrets."""

from rlm_cli.engine.templates.template import Template

TEMPLATE = Template(
    name="code-security",
    title="security of code",
    question=(
        "Which security vulnerabilities does this code have: untrusted input that reaches a query, a command, a path, "
        "a template or a parser, missing authentication or authorization, weak sessions, passwords and cryptography, "
        "and secrets in the source?"
    ),
    needs=(
        "Flows: from where strangers' data comes in (routes, forms, headers, files, messages, arguments) through calls "
        "in other files to where it does harm; a guard on the way ends it.",
        "Authorisation: who may call each route, and whose record it may touch. Compare siblings: one without the "
        "check that the others have is suspect.",
        "Secrets, default passwords, settings unsafe in production.",
    ),
    method=(
        "In code: list entry points with their decorators and checks, list dangerous calls, follow names and imports "
        "between the two (ast for Python), from both ends. Print the list, not the files.",
        "Read each candidate with its callers, middleware and base classes; try to refute it. Ask the sub-model by "
        "whole modules what a pattern cannot see.",
    ),
    form=(
        "A finding's message names the way: source, each file passed, sink.",
        "The summary is a list: area, how many of what, checked for what, result.",
    ),
    findings=True,
)
