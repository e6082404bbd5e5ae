"""The kind `conversations`: issues, escalations, resolution rates and sentiment by month, cited to records."""

from rlm_cli.engine.templates.template import Template

TEMPLATE = Template(
    name="conversations",
    title="conversations",
    question=(
        "Which issues and problems do customers report and how often, what was escalated or ended in a complaint or a "
        "refund, what share was resolved or solved, and how does sentiment change by month?"
    ),
    needs=(
        "Count conversations, not messages: find what makes one (id, thread).",
        "A rate has numerator and denominator; unknown counts apart, never as no.",
        "Sentiment by month of the first message; mark months with few.",
    ),
    method=(
        "Parse every record in code; print how many were parsed, failed, without a date. Status, dates and ids come "
        "from fields where there are any; code counts, never a model.",
        "Meaning: find the issues in a sample, fix a short list of defined labels and `other`, label all with "
        "llm_map(allowed=...). Near misses: `not resolved`, thanks before a new complaint, quoted mail.",
        "Second route: label some 30 again in other words; say how many agree.",
    ),
    form=(
        "Issues: issue, conversations, share, example",
        "Escalations: conversation, why, outcome, place",
        "Resolution: issue, resolved, unresolved, unknown, rate",
        "Sentiment: month, conversations, positive, neutral, negative",
        "Places name records.",
    ),
)
