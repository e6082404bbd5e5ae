"""Archives as inputs: what is in them is loaded like a folder, with its own places; nothing is written to disk."""

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.command import rlm
from support.pdfs import pdf

from rlm_cli.context import Context
from rlm_cli.errors import InputError
from rlm_cli.findings import check_claim
from rlm_cli.loaders import LoadOptions, load
from rlm_cli.results import Citation

FILES = {
    "pkg/src/app.py": b"x = 1\ny = 2\n",
    "pkg/docs/a.pdf": pdf(["one", "two here"]),
    "pkg/data.jsonl": b'{"a": 1}\n{"a": 2}\n',
    "pkg/.gitignore": b"*.log\nbuild/\n",
    "pkg/run.log": b"noise\n",
    "pkg/build/out.txt": b"made\n",
    "pkg/.env": b"KEY=1\n",
    "pkg/image.png": b"\x89PNG\0\0",
    "pkg/package-lock.json": b'{"lockfileVersion": 3}\n',
}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def text_of(context: Context, path: str) -> str:
    document = context.document(path)
    assert document is not None
    return context.text(document.span.start, document.span.end)


@pytest.mark.parametrize("name", ["mail.zip", "mail.tar.gz", "mail.tar.xz", "mail.tar.bz2", "mail.tar", "stdin"])
def test_what_is_in_an_archive_is_loaded_like_a_folder(tmp_path: Path, name: str) -> None:
    content = zipped(FILES) if name in ("mail.zip", "stdin") else tarred(FILES, f"w:{name.partition('.tar')[2][1:]}")
    if name == "stdin":
        loaded = load(["-"], stdin=io.BytesIO(content))
    else:
        (tmp_path / name).write_bytes(content)
        loaded = load([f"{tmp_path}/{name}"])
    context = loaded.context
    assert [each.path for each in context.documents] == [
        "pkg/data.jsonl", "pkg/docs/a.pdf", "pkg/package-lock.json", "pkg/src/app.py",
    ]  # fmt: skip
    assert text_of(context, "pkg/src/app.py") == "x = 1\ny = 2\n"
    assert {each.path: each.reason for each in context.skipped} == {
        "pkg/.gitignore": "hidden", "pkg/.env": "hidden", "pkg/run.log": "ignored", "pkg/build/": "ignored",
        "pkg/image.png": "binary",
    }  # fmt: skip
    cited = check_claim(context, "pkg/docs/a.pdf p. 2", "two here")
    assert isinstance(cited, Citation)
    assert (cited.page, check_claim(context, "app.py", "y = 2")) == (2, Citation("pkg/src/app.py", 2, 2, "y = 2", True))
    assert context.documents[2].mark == "lock"
    assert context.documents[0].parts is not None
    assert [each.name for each in tmp_path.iterdir()] == ([] if name == "stdin" else [name])


def test_the_same_files_give_the_same_context_in_a_folder_and_in_every_archive(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(content)
    (tmp_path / "a.zip").write_bytes(zipped(FILES))
    (tmp_path / "b.tgz").write_bytes(tarred(dict(reversed(FILES.items()))))
    digests = {load([f"{tmp_path}/{name}"]).context.sha256 for name in ("tree", "a.zip", "b.tgz")}
    assert len(digests) == 1


def test_the_options_for_folders_hold_in_archives(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(FILES))

    def paths(**options: object) -> list[str]:
        loaded = load([f"{tmp_path}/a.zip"], LoadOptions(**options))  # type: ignore[arg-type]
        return [each.path.removeprefix("pkg/") for each in loaded.context.documents]

    assert paths(include=("*.py",)) == ["src/app.py"]
    assert paths(exclude=("docs/", "*.json*")) == ["src/app.py"]
    assert "run.log" in paths(gitignore=False)
    assert ".env" in paths(hidden=True)
    assert "package-lock.json" not in paths(generated=False)
    assert paths(max_file_size=15) == ["src/app.py"]


def test_one_compressed_file_is_the_file_in_it_whatever_its_size(tmp_path: Path) -> None:
    text = b"line\n" * 10_000
    (tmp_path / "app.log.gz").write_bytes(gzip.compress(text))
    context = load([f"{tmp_path}/app.log.gz"], LoadOptions(max_file_size=1_000)).context
    [document] = context.documents
    assert (document.path, document.lines) == ("app.log", 10_000)


def test_archives_with_the_same_paths_have_their_names_in_front(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        (tmp_path / name).write_bytes(zipped({"a.txt": name.encode()}))
    context = load([f"{tmp_path}/one.zip", f"{tmp_path}/two.zip"]).context
    assert [each.path for each in context.documents] == ["one.zip/a.txt", "two.zip/a.txt"]


def test_an_archive_in_a_folder_is_named_not_entered(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(FILES))
    (tmp_path / "b.txt").write_text("x")
    context = load([str(tmp_path)]).context
    assert [(each.path, each.reason, each.failed) for each in context.skipped] == [("a.zip", "archive", False)]
    (tmp_path / "b.txt").unlink()
    with pytest.raises(InputError) as error:
        load([str(tmp_path)])
    assert error.value.hint == "name an archive to load what is in it"


def test_what_came_before_the_damage_is_loaded_and_the_run_is_incomplete(tmp_path: Path) -> None:
    whole = tarred({f"{number}.txt": os.urandom(20_000).hex().encode() for number in range(20)})
    (tmp_path / "cut.tgz").write_bytes(whole[: len(whole) // 2])
    ran = rlm("inspect", f"{tmp_path}/cut.tgz", "-f", "json")
    assert ran.code == 3
    assert 3 < ran.json()["documents"] < 20
    assert {each["reason"] for each in ran.json()["skipped_files"] if each["failed"]} >= {"damaged archive"}
    assert "is the download complete?" in ran.err


def test_a_bomb_is_refused_with_a_message(tmp_path: Path) -> None:
    (tmp_path / "bomb.zip").write_bytes(zipped({"zeros": b"\0" * 300_000_000}))
    ran = rlm("inspect", f"{tmp_path}/bomb.zip", "--max-file-size", "1G")
    assert ran.code == 2
    assert "times its size" in ran.err
    assert "hint: " in ran.err


def test_nothing_of_an_archive_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(FILES))

    def opened() -> int:
        descriptors = Path("/proc/self/fd")
        return len([*descriptors.iterdir()]) if descriptors.is_dir() else 0

    before = opened()
    load([f"{tmp_path}/a.zip"]).context.close()
    load(["-"], stdin=io.BytesIO(zipped(FILES))).context.close()
    with pytest.raises(InputError):
        load(["-"], stdin=io.BytesIO(zipped(FILES)[:40]))
    assert opened() == before
