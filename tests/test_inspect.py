"""`rlm inspect`: what would be loaded and what not, how large it is, what it takes and may cost; nobody is called."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import finish, rlm, start

from rlm_cli.context import Context
from rlm_cli.inspection import inspect
from rlm_cli.loaders import Reached, load, loading
from rlm_cli.types import ModelSpec, Price, Profile

EMOJI, DASH = "\N{GRINNING FACE}", "\N{EM DASH}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    files = {
        "src/app.py": "import os\n" * 300,
        "src/deep/er/b.py": "x = 1\n",
        "docs/a.md": "# Title\n" * 10,
        "top.txt": f"one {DASH} two\n",
        "messages.jsonl": '{"a": 1}\n{"a": 2}\n',
        ".env": "SECRET=1\n",
        "image.png": "\x89PNG\0",
        "latin.txt": "",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1") if name == "image.png" else text.encode())
    (root / "latin.txt").write_bytes("Grüße aus München\n".encode("latin-1"))
    return root


def test_the_report_says_what_is_loaded_what_not_and_what_it_takes(tree: Path) -> None:
    ran = rlm("inspect", str(tree))
    assert ran.code == 0
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[0].startswith("6 documents, 3.3 kB, ")
    assert lines[0].endswith(" tokens")
    assert lines[2] == "tokens files folder"
    assert lines[3].endswith("100 % 6 all")
    assert [line.split()[-1] for line in lines[4:6]] == ["docs/", "src/"]
    assert any(line.endswith("300 src/app.py") for line in lines)
    assert any(line.endswith("messages.jsonl (2 records)") for line in lines)
    assert "not loaded: 2 (a folder counts as one)" in lines
    assert "1 binary: image.png" in lines
    assert "1 hidden: .env" in lines
    assert "encodings: utf-8 5, cp1252 1" in lines
    [wide] = [line for line in lines if line.startswith("2 bytes for each character there, because of a character")]
    assert "beyond Latin-1, the first in top.txt:1; without such it would be 3.3 kB" in wide
    assert "offline nothing" in lines
    assert "not in UTF-8, read as cp1252 latin.txt" in ran.err


def test_json_has_every_number_and_every_file(tree: Path) -> None:
    ran = rlm("inspect", str(tree), "-f", "json", "--exact-tokens")
    report = ran.json()
    context = load([str(tree)]).context
    assert ran.out.isascii()
    assert (report["schema_version"], report["sha256"], report["tokens_exact"]) == (1, context.sha256, True)
    assert [each["path"] for each in report["files"]] == [each.path for each in context.documents]
    assert report["folders"][0]["documents"] == report["documents"] == 6
    assert sum(each["tokens"] for each in report["files"]) == report["folders"][0]["tokens"]
    assert {each["path"]: each["documents"] for each in report["folders"]} == {
        "": 6, "docs/": 1, "src/": 2, "src/deep/": 1, "src/deep/er/": 1,
    }  # fmt: skip
    [export] = [each for each in report["files"] if each["path"] == "messages.jsonl"]
    assert (export["records"], export["lines"], export["kind"]) == (2, 2, "jsonl")
    assert report["skipped"] == {"hidden": 1, "binary": 1}
    assert {each["path"]: each["reason"] for each in report["skipped_files"]} == {
        ".env": "hidden",
        "image.png": "binary",
    }
    assert report["memory"]["text"] == report["bytes"]
    assert report["memory"]["session"] == 2 * report["characters"]
    assert report["memory"]["peak"] > 1_000_000
    costs = {each["profile"]: each for each in report["costs"]}
    assert costs["offline"]["high"] == 0
    assert 0 < costs["openai"]["low"] < costs["openai"]["high"]


def test_one_profile_alone_can_be_estimated(tree: Path) -> None:
    assert [each["profile"] for each in rlm("inspect", str(tree), "-p", "speed", "-f", "json").json()["costs"]] == [
        "speed"
    ]
    assert rlm("inspect", str(tree), "-p", "no-such").code == 2


def test_every_skip_is_named_on_demand(tree: Path) -> None:
    for number in range(9):
        (tree / f"{number}.bin").write_bytes(b"\0")
    assert "8.bin" not in rlm("inspect", str(tree)).out
    assert "    8.bin\n" in rlm("inspect", str(tree), "--skipped").out


def test_the_folder_we_are_in_and_a_pipe_are_read_when_nothing_is_named(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)
    assert finish(start("inspect", "-f", "json")).json()["documents"] == 6
    piped = finish(start("inspect", "-f", "json", stdin=subprocess.PIPE), b"piped\n").json()
    assert [each["path"] for each in piped["files"]] == ["stdin"]


def test_it_imports_neither_litellm_nor_anything_that_talks(tree: Path) -> None:
    code = (
        "import sys, typer.main\nfrom rlm_cli.cli.app import app\n"
        "typer.main.get_command(app).main(standalone_mode=False)\n"
        "print([name for name in ('litellm', 'openai', 'httpx', 'rich', 'RestrictedPython') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code, "inspect", str(tree)], capture_output=True, check=True, text=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_what_could_not_be_read_is_exit_3_and_nothing_at_all_exit_2(tree: Path) -> None:
    (tree / "a.pdf").write_bytes(b"%PDF-1.7 broken")
    ran = rlm("inspect", str(tree))
    assert ran.code == 3
    assert "a.pdf" in ran.err
    assert rlm("inspect", str(tree / "nothing")).code == 2
    (tree / "empty").mkdir()
    assert rlm("inspect", str(tree / "empty")).code == 2


def test_names_that_could_move_the_cursor_do_not(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2Jb\n.py").write_text("x = 1\n")
    (tmp_path / "c\x1b.bin").write_bytes(b"\0")
    ran = rlm("inspect", str(tmp_path))
    assert "\x1b" not in ran.out + ran.err
    assert "a\\x1b[2Jb\\n.py" in ran.out


# --- the numbers ----------------------------------------------------------------------------------------------------


def one_file(folder: Path, text: str) -> Context:
    (folder / "f.txt").write_text(text, encoding="utf-8")
    return load([f"{folder}/f.txt"]).context


@pytest.mark.parametrize(
    ("text", "width", "place"),
    [
        ("plain\n", 1, None),
        ("naïve ÿ\n", 1, None),
        (f"a\nb{DASH}\n", 2, "f.txt:2"),
        (f"a{DASH}\n\nx{EMOJI}{EMOJI}", 4, "f.txt:3"),
        ("x" * 70_000 + f"\n{EMOJI}", 4, "f.txt:2"),
    ],
)
def test_the_widest_character_decides_what_a_str_takes(
    tmp_path: Path, text: str, width: int, place: str | None
) -> None:
    context = one_file(tmp_path, text)
    memory = inspect(context, []).memory
    assert (memory.width, memory.widest) == (width, place)
    assert memory.session == len(text) * width
    # What Python really takes, but for a header of some 80 bytes.
    assert 0 <= sys.getsizeof(text) - memory.session <= 80


def test_a_cost_needs_known_prices(tmp_path: Path) -> None:
    context = one_file(tmp_path, "x")
    priced = ModelSpec("a/b", price=Price(1, 2))
    known, unknown = Profile("k", "", priced, priced), Profile("u", "", priced, ModelSpec("a/c"))
    ranges = [each.range for each in inspect(context, [known, unknown]).prices]
    assert ranges[0] is not None
    assert ranges[0].low > 0
    assert ranges[1] is None


def test_the_ways_to_answer_are_priced_and_the_one_that_auto_takes_is_named(tmp_path: Path) -> None:
    (tmp_path / "small.txt").write_text("word " * 1_000)
    (tmp_path / "large.txt").write_text("word " * 60_000)
    [small] = rlm("inspect", str(tmp_path / "small.txt"), "-p", "openai", "-f", "json").json()["costs"]
    [large] = rlm("inspect", str(tmp_path / "large.txt"), "-p", "openai", "-f", "json").json()["costs"]
    assert (small["strategy"], large["strategy"]) == ("direct", "rlm")
    assert 0 < small["direct"] < small["low"]
    assert large["direct"] > large["map_reduce"] > 0
    lines = rlm("inspect", str(tmp_path / "small.txt")).out.splitlines()
    [line] = [each for each in lines if each.startswith("  openai ")]
    assert re.search(r", cap \S+; auto takes direct; direct (less than )?\$\S+; map-reduce (less than )?\$\S+$", line)
    [line] = [each for each in lines if each.startswith("  offline ")]
    assert line.endswith("  nothing")


def test_a_long_load_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text("four")
    monkeypatch.setattr(loading, "_OFTEN", -1.0)
    told: list[Reached] = []
    load([str(tmp_path)], watch=told.append)
    assert [each.files for each in told] == [1, 2, 3, 4, 5]
    assert {each.all_files for each in told} == {5}
    assert told[-1].bytes > told[0].bytes > 0
