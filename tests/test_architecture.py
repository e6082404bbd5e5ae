"""The floors of the house: imports go down, never sideways. Read from the source, so that a lazy import counts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PACKAGE = TOP / "rlm_cli"
GROUND = {
    "types", "errors", "events", "event_lines", "seams", "context", "context_writer", "task", "tokens", "budget",
    "findings", "references", "quotes", "places", "addresses", "estimate", "inspection", "amounts", "plain_files",
    "confinement", "strength", "json_structure", "anonymous", "plain_values", "worst_case", "results",
    "report", "rules", "finding_claims", "security_rules", "quality_rules", "patterns", "safe_text", "chunks",
    "finding_words", "excerpts", "secrets", "secret_kinds", "secret_spans", "secret_values", "needles", "redaction",
    "schemas", "windows", "strategies", "prompt_families",
}  # fmt: skip
ROOMS = {"gate", "loaders", "profiles", "llm", "sandbox", "engine", "trajectory", "display", "reports"}
FLOORS = {**dict.fromkeys(GROUND, 0), **dict.fromkeys(ROOMS, 1), "analysis": 2, "checkup": 2, "cli": 3}
ONLY_IN = {
    "litellm": {"llm/litellm_client.py"},
    "httpx": {"llm/wire.py", "llm/litellm_client.py"},
    "httpcore": {"llm/wire.py", "llm/sockets.py"},
    "rich": {"display", "reports", "cli"},
    "RestrictedPython": {"sandbox"},
    "typer": {"cli"},
    "tiktoken": {"tokens.py", "needles.py"},
    "yaml": {"profiles", "gate"},
    "jsonschema": {"schemas.py"},
    "referencing": {"schemas.py"},
    "pypdfium2": {"loaders/pdf_worker.py"},
    "sqlite3": {"llm/cache_file.py", "llm/cache_layout.py"},
    "zipfile": {"loaders/archive_worker.py", "loaders/office_kinds.py", "loaders/office_worker.py"},
    "tarfile": {"loaders/archive_worker.py", "loaders/archive_streams.py", "trajectory/keeping.py"},
    "zlib": {"loaders/archive_worker.py", "loaders/archive_streams.py"},
    "bz2": {"loaders/archive_streams.py"},
    "lzma": {"loaders/archive_streams.py"},
    "markitdown": {"loaders/office_worker.py"},
    "openpyxl": {"loaders/office_sheets.py", "loaders/office_worker.py"},
    "xlrd": {"loaders/office_sheets.py", "loaders/office_worker.py"},
    "olefile": {"loaders/office_kinds.py", "loaders/office_worker.py"},
}
"""Top-level module -> the files or rooms that may import it."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Yield the full name of everything that `path` imports, at whatever depth of its code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which floor they lead to"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(dotted: str) -> str:
    """Return the part below rlm_cli that a dotted name belongs to; "" for the package itself."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""


def test_every_module_has_a_floor() -> None:
    homes = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()}
    assert homes - {"__init__"} == set(FLOORS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_and_never_sideways(path: Path) -> None:
    home = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in imports(path):
        if not name.startswith("rlm_cli."):
            continue
        other = room(name)
        if home == "__init__" or other in ("", home):
            continue
        below = FLOORS[other] < FLOORS[home]
        ground = FLOORS[other] == FLOORS[home] == 0
        assert below or ground, f"{home} (floor {FLOORS[home]}) imports {other} (floor {FLOORS[other]})"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_in_its_own_place_only(library: str) -> None:
    users = {path.relative_to(PACKAGE) for path in modules() if any(n.split(".")[0] == library for n in imports(path))}
    assert users, f"nothing imports {library} any more: take it out of the table"
    for user in users:
        assert str(user) in ONLY_IN[library] or user.parts[0] in ONLY_IN[library], f"{user} imports {library}"


def test_the_ground_floor_has_no_circle() -> None:
    below: dict[str, set[str]] = {}
    for name in GROUND:
        tree = ast.parse((PACKAGE / f"{name}.py").read_text())
        found = (n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom))
        below[name] = {room(each) for each in found if each.startswith("rlm_cli.")} - {name, ""}
    order: list[str] = []
    while below:
        free = sorted(name for name, needs in below.items() if needs <= set(order))
        assert free, f"a circle among {sorted(below)}"
        order += free
        for name in free:
            del below[name]


@pytest.mark.parametrize("folder", ["rlm_cli", "tests"])
def test_nothing_is_mocked(folder: str) -> None:
    for path in (TOP / folder).rglob("*.py"):
        assert not any(name.startswith("unittest.mock") for name in imports(path)), path


def test_files_stay_short_enough_to_read() -> None:
    long = {path: count for path in modules() if (count := len(path.read_text().splitlines())) > 400}
    assert not long
