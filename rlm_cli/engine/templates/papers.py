"""The kind `papers`: themes, contradictions, methods and gaps over a folder of papers, each cited to its paper."""

from rlm_cli.engine.templates.template import Template

TEMPLATE = Template(
    name="papers",
    title="a set of papers",
    question=(
        "What themes do these papers share, where do their results contradict one another, which methods and data do "
        "they rest on, what are their limitations, and which gaps are left for future work?"
    ),
    needs=(
        "Themes: what two papers or more say. Methods: design, data, sample, measure, by paper.",
        "Contradictions: one question, results that cannot both hold. Compare population, measure, definition, time; "
        "quote both sides.",
        "Gaps: what papers call open, and what all presume and none measured.",
    ),
    method=(
        "Ask once a paper, whole where it fits, for the same JSON fields: question, method, data, results "
        "with numbers, limits, exact quotes. In code check that each quote stands in files[path].",
        "Compare the rows in code and in few large sub-calls. Read both passages of a contradiction yourself; try "
        "other wordings before saying that no paper treats something.",
    ),
    form=(
        "Themes: theme, found, papers",
        "Contradictions: question, one side, other side, why",
        "Methods: paper, method, data, limits",
        "Gaps: gap, named by",
        "Name papers by key (`KEY p. 3`), else by path:line.",
    ),
)
