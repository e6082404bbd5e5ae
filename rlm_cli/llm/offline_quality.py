"""What the offline root model looks for where quality of code is asked for: code for the REPL, behind the search.

Covered, for Python, by ast: functions that are equal but for names, rings of imports, definitions that are named
nowhere else. It uses what SEARCH (offline_cells.py) has set and leaves lines for REPORT and ANSWER, as that does.
"""

QUALITY = r'''
import ast
import collections

LEAST = 400             # characters of a dumped function, below which two are alike by chance
STEPS = 3_000_000       # imports that are followed in search of rings
WORDS_IN = 20_000_000   # characters of a context whose words are counted

trees, unparsed, line_starts = {}, [], {}
for each in docs:
    if each.kind == "py":
        try:
            trees[each.path] = ast.parse(each.text)
        except (SyntaxError, ValueError, RecursionError):
            unparsed.append(each.path)
            continue
        line_starts[each.path] = [each.start] + [each.start + m.end() for m in re.finditer("\n", each.text)]


def line_of(path, number, score, why, rule):
    """Return a line as a place; None where lines were counted in another way."""
    if number > len(line_starts[path]):
        return None
    offset = line_starts[path][number - 1]
    end = context.find("\n", offset)
    return place(offset, offset, end if end >= 0 else len(context), score, why, rule)


def in_words(path):
    return path[:-3].replace("/__init__", "").replace("/", ".")


alike = collections.defaultdict(list)
definitions = []
for path, tree in trees.items():
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if not node.decorator_list and not node.name.startswith(("_", "test", "Test")) and node.col_offset == 0:
                definitions.append((path, node))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            dumped = ast.dump(ast.Module(body=body, type_ignores=[]))
            if len(dumped) >= LEAST:
                alike[re.sub(r"\b(id|arg|name|asname)='[^']*'", r"\1=''", dumped)].append((path, node))
quality = []
for group in alike.values():
    first_path, first = group[0]
    for path, node in group[1:]:
        why = f"duplicated logic, same as {first.name} at {first_path}:{first.lineno} but for names: {node.name}"
        quality.append(line_of(path, node.lineno, 3, why, ("duplicated-logic", "low")))

modules = {}
for path in trees:
    parts = in_words(path).split(".")
    for start in range(len(parts)):
        modules.setdefault(".".join(parts[start:]), set()).add(path)


def module_at(dotted):
    """Return the one file that a dotted name, or what it is a part of, can mean."""
    while dotted:
        if len(modules.get(dotted, ())) == 1:
            return next(iter(modules[dotted]))
        dotted = dotted.rpartition(".")[0]


imported = {}
for path, tree in trees.items():
    imported[path] = {}
    home = in_words(path).split(".")
    package = home if path.endswith("__init__.py") else home[:-1]
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            other = module_at(name)
            if other and other != path:
                imported[path].setdefault(other, node.lineno)


def ring_from(path):
    """Return the shortest way along imports from a file back to it; [] where there is none."""
    came, queue = {path: None}, collections.deque([path])
    while queue:
        here = queue.popleft()
        steps[0] += len(imported[here])
        for other in sorted(imported[here]):
            if other == path:
                way = []
                while here is not None:
                    way.append(here)
                    here = came[here]
                return way[::-1]
            if other not in came:
                came[other] = here
                queue.append(other)
    return []


rings, steps, unfollowed = set(), [0], []
for path in sorted(imported):
    if steps[0] > STEPS:
        unfollowed.append(path)
        continue
    ring = ring_from(path)
    if ring and frozenset(ring) not in rings:
        rings.add(frozenset(ring))
        shown = " -> ".join(map(in_words, [*ring, ring[0]]))
        follows = ring[1 % len(ring)]
        why = f"import cycle, {len(ring)} modules import each other: {shown}"
        quality.append(line_of(path, imported[path][follows], 2 + len(ring), why, ("import-cycle", "low")))

if len(context) <= WORDS_IN:
    counted = collections.Counter(re.findall(r"\w+", context))
    for path, node in definitions:
        if counted[node.name] == 1 and not unimportant(path):
            why = f"dead code, nothing else names {node.name}"
            quality.append(line_of(path, node.lineno, 1, why, ("dead-code", "low")))
quality = [each for each in quality if each]
risky, risky_lines = quality, len(quality)
if quality:
    found, candidates, by = sorted(quality, key=lambda each: (-each["score"], each["offset"])), len(quality), "ast"
print(f"{len(trees)} Python files parsed, {len(unparsed)} failed; {len(quality)} places found by ast")
'''

DOUBT = r"""
doubts.append(f"Of quality only copies, import cycles and unused names were looked for, in {len(trees)} Python files"
              + (f"; {len(unparsed)} could not be parsed" if unparsed else "")
              + (f"; {len(unfollowed)} files' imports were not followed to their end" if unfollowed else "")
              + ("; the text is too large to look for unused names" if len(context) > WORDS_IN else "") + ".")
"""
