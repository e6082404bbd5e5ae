"""Security of a real web shop: django-oscar's code (BSD licence) with six flaws planted, and three that only look so.

The source distribution is fetched from the package index when the corpus is built, and its digest is checked. What
comes in is its Python, without migrations and its own tests: some 290 files, a megabyte. A finding scores where it
names the planted lines, or those of another file that the same flaw runs through; half where only the rule differs.
"""

import ast
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.questions.flaws import FLAWS
from benchmarks.questions.look_alikes import ALSO_TRUE, LOOK_ALIKES
from benchmarks.questions.patches import Patch
from benchmarks.questions.question import Corpus, Result, Score, Truth, share

PACKAGE, VERSION = "django-oscar", "3.2.6"
SHA256 = "55aa0cbe435cda26b0c886b37c51664c2f8984858a5e4a0e393f7827531d7a9e"
LEFT_OUT = {"migrations", "test", "locale", "static", "templates"}
QUESTION = (
    "Which security flaws does this web shop have? Look for what an attacker could use: what comes from a request and "
    "where it ends up, who may see or change what, how secrets and tokens are made. Report what is exploitable, with "
    "the lines that have to be mended; do not report what only looks dangerous."
)
NEAR = 4
"""Lines by which a finding may lie beside the planted ones."""
PER_LOOK_ALIKE = 0.1
"""What reporting a look-alike costs."""


def build(folder: Path) -> Corpus:
    """Fetch, unpack, patch."""
    shop = folder / "shop"
    with tempfile.TemporaryDirectory() as name:
        unpack(fetch(Path(name)), shop)
    return corpus(shop)


def corpus(shop: Path, patches: tuple[Patch, ...] = (*FLAWS, *LOOK_ALIKES)) -> Corpus:
    """Plant the patches in what lies there, and say where they are."""
    for patch in patches:
        patch.apply(shop)
    truth: Truth = {
        "flaws": [patch.truth(shop) for patch in patches if patch.rules],
        "look_alikes": [patch.truth(shop) for patch in patches if not patch.rules],
        "also_true": [list(each) for each in ALSO_TRUE],
    }
    return Corpus(shop, QUESTION, truth, ("--task", "code-security"))


def fetch(folder: Path) -> Path:
    """Return the source distribution, just fetched."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps"]
    subprocess.run([*command, "--dest", str(folder), f"{PACKAGE}=={VERSION}"], check=True, timeout=300)
    (archive,) = folder.glob("*.tar.gz")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{archive.name} is another one than the truth was written for: sha256 {found}")
    return archive


def unpack(archive: Path, shop: Path) -> None:
    """Write the package's own Python below `shop`."""
    with tempfile.TemporaryDirectory() as name:
        with tarfile.open(archive) as file:
            file.extractall(name, filter="data")
        (top,) = Path(name).iterdir()
        source = top / "src"
        for path in sorted(source.rglob("*.py")):
            parts = path.relative_to(source).parts
            if LEFT_OUT.isdisjoint(parts):
                (shop / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, shop / path.relative_to(source))
    for path in shop.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))


def score(result: Result, truth: Truth) -> Score:
    """Judge the findings that are reported."""
    reported = [*result.get("findings", [])]
    points: dict[str, float] = {}
    explained: set[int] = set()
    for flaw in truth["flaws"]:
        hits = [number for number, each in enumerate(reported) if _at(each, flaw["places"])]
        explained.update(hits)
        right = any(reported[number]["rule_id"] in flaw["rules"] for number in hits)
        points[f"{flaw['rules'][0]} at {_named(flaw['places'][0])}"] = 1.0 if right else 0.5 if hits else 0.0
    alike = []
    for look in truth["look_alikes"]:
        hits = [number for number, each in enumerate(reported) if _at(each, look["places"])]
        explained.update(hits)
        alike += [f"the look-alike at {_named(look['places'][0])} was reported"] if hits else []
    known = {(path, rule) for path, rule in truth["also_true"]}
    beyond = tuple(
        f"{each['rule_id']} at {each['path']}:{each['line']}: {each['title']}"
        + (
            " (was in the shop before)"
            if any(_is_path(each, path) and each["rule_id"] == rule for path, rule in known)
            else ""
        )
        for number, each in enumerate(reported)
        if number not in explained
    )
    scored = share(points, beyond)
    value = max(0.0, round(scored.value - PER_LOOK_ALIKE * len(alike), 3))
    return Score(value, (*scored.missed, *alike), beyond)


def ideal(truth: Truth) -> dict[str, Any]:
    """Return a result with each flaw at its first place."""
    findings = []
    for flaw in truth["flaws"]:
        path, line, end_line = flaw["places"][0]
        findings.append({"rule_id": flaw["rules"][0], "path": path, "line": line, "end_line": end_line, "title": "x"})
    return {"findings": findings}


def _is_path(finding: Any, path: str) -> bool:
    named = str(finding["path"])
    return named == path or named.endswith(f"/{path}")


def _at(finding: Any, places: list[list[Any]]) -> bool:
    return any(
        _is_path(finding, path) and finding["line"] <= last + NEAR and finding["end_line"] >= first - NEAR
        for path, first, last in places
    )


def _named(place: list[Any]) -> str:
    return f"{place[0]}:{place[1]}"
