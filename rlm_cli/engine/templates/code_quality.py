"""The kind `code-quality`: the same logic under other names, import cycles, dead code, data that crosses files."""

from rlm_cli.engine.templates.template import Template

TEMPLATE = Template(
    name="code-quality",
    title="quality of code",
    question=(
        "Where is the same logic duplicated under other names, which imports form a cycle (over five modules and more, "
        "too), what code is dead or unused, and where is a value changed or checked inconsistently on its way through "
        "several files?"
    ),
    needs=(
        "Duplicates: the same rule under other names, in another style too. One finding, at the copy to remove; its "
        "title names the other place.",
        "Cycles: the whole ring of modules in order; one finding a ring, at one of its imports.",
        "Dead code: named nowhere, as text neither (routes, templates, configuration, entry points, getattr, __all__); "
        "what only tests use is dead.",
        "Data flow: one value treated in two ways.",
    ),
    method=(
        "ast first: hash functions with names and literals made equal for copies; for other styles compare what is "
        "called, compared and returned, then ask the sub-model about the pairs left. Imports (relative, and in "
        "functions) as a graph of files: strongly connected parts. Definitions named nowhere else, by words over all "
        "files.",
        "Read both sides of each pair. Count files parsed and failed.",
    ),
    form=(
        "A duplicate's message names both places and how they differ; a cycle's, the modules in order.",
        "The summary is a list: what was looked for, in how many files, how, how many found.",
    ),
    findings=True,
)
