"""Archives as inputs: what is in them, by name; what is left out, and why; what is refused as a whole."""

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.archives import PACKED, contents, member, opened, skips, tar_of, tarred, zipped
from support.repositories import git, grow, repository

from rlm_cli.errors import UsageError
from rlm_cli.loaders.archive import archive_kind, select
from rlm_cli.loaders.archive_paths import cleaned
from rlm_cli.loaders.listing import list_folder
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.tree import Tree

__all__ = ["repository"]  # a fixture

FILES = {"src/a.py": b"print()\n", "src/deep/er/b.txt": b"x" * 3_000_000, "empty": b"", "\u00fcn\u00ef/\u4e2d.md": b"#"}
TREE = tarred(FILES)


# --- telling them -------------------------------------------------------------------------------------------------

BEGINS = {
    "gzip": gzip.compress(b"x"),
    "bzip2": bz2.compress(b"x"),
    "xz": lzma.compress(b"x"),
    "zstandard": b"\x28\xb5\x2f\xfd\x04\x00",
    "zip": zipped({"a": b"x"}),
    "empty zip": zipped({}),
    "docx": zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}),
    "docx in another order": zipped({"word/document.xml": b"<x/>", "[Content_Types].xml": b"<x/>"}),
    "epub": zipped({"mimetype": b"application/epub+zip"}, zipfile.ZIP_STORED),
    "tar": tarred({"a": b"x"}),
    "gnu tar": tarred({"a": b"x"}, tarfile.GNU_FORMAT),
    "old tar": (lambda head: head[:257] + bytes(8) + head[265:])(tarred({"a": b"x"}, tarfile.USTAR_FORMAT)),
    "empty tar": bytes(10240),
    "program": b"#!/usr/bin/env python3\n" + zipped({"a": b"x"}),
    "text": b"BZh is how a bzip2 begins, and PK\x03\x04 a zip",
    "nothing": b"",
}


def signed(tar: bytes) -> bytes:
    """Return a tar whose first header has the right checksum."""
    total = sum(tar[:148]) + 8 * 32 + sum(tar[156:512])
    return tar[:148] + b"%06o\0 " % total + tar[156:]


BEGINS["old tar"] = signed(BEGINS["old tar"])


@pytest.mark.parametrize(
    ("begins", "name", "kind"),
    [
        ("gzip", "a.log.gz", "gz"),
        ("gzip", "a.TAR.GZ", "tar.gz"),
        ("gzip", "a.tgz", "tar.gz"),
        ("gzip", "a.txt", "gz"),
        ("bzip2", "a.bz2", "bz2"),
        ("bzip2", "a.tbz2", "tar.bz2"),
        ("xz", "a.xz", "xz"),
        ("xz", "a.tar.xz", "tar.xz"),
        ("zstandard", "a.zst", "zst"),
        ("zstandard", "a.tar.zst", "tar.zst"),
        ("zip", "a.zip", "zip"),
        ("zip", "a.jar", "zip"),
        ("zip", "rlm_cli-1-py3-none-any.whl", "zip"),
        ("zip", "stdin", "zip"),
        ("zip", "a.docx", None),
        ("empty zip", "a.zip", "zip"),
        ("docx", "a.docx", None),
        ("docx", "stdin", None),
        ("docx in another order", "a.docx", None),
        ("epub", "stdin", None),
        ("tar", "stdin", "tar"),
        ("gnu tar", "stdin", "tar"),
        ("old tar", "a.tar", "tar"),
        ("old tar", "a.bin", None),
        ("empty tar", "a.tar", "tar"),
        ("empty tar", "a.bin", None),
        ("program", "a.pyz", "zip"),
        ("program", "a.py", None),
        ("text", "a.zip", None),
        ("text", "a.tar", None),
        ("nothing", "a.tar.gz", None),
    ],
)
def test_an_archive_is_told_by_how_it_begins(begins: str, name: str, kind: str | None) -> None:
    assert archive_kind(BEGINS[begins][:512], name) == kind


# --- all that is in them ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("ending", PACKED)
def test_all_files_of_a_tar_are_there_by_name(ending: str, form: int) -> None:
    with opened(PACKED[ending](tarred(FILES, form)), "x" + ending) as archive:
        assert contents(archive) == FILES
        assert archive.files == ["empty", "src/a.py", "src/deep/er/b.txt", "\u00fcn\u00ef/\u4e2d.md"]
        assert (archive.skipped, archive.warnings) == ({}, [])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_all_files_of_a_zip_are_there_by_name(method: int) -> None:
    with opened(zipped(FILES, method), "x.zip") as archive:
        assert contents(archive) == FILES
        assert (archive.skipped, archive.warnings) == ({}, [])


NAMES = st.lists(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\\\0"), min_size=1, max_size=60).filter(
        lambda part: part not in (".", "..") and not (len(part) == 2 and part[1] == ":")
    ),
    min_size=1,
    max_size=5,
).map("/".join)
TREES = st.dictionaries(NAMES, st.binary(max_size=2000).map(lambda content: b"." + content), max_size=12)


@settings(max_examples=40)
@given(TREES, st.sampled_from(["zip", *PACKED]))
def test_any_tree_comes_back_byte_for_byte(files: dict[str, bytes], kind: str) -> None:
    content = zipped(files) if kind == "zip" else PACKED[kind](tarred(files))
    with opened(content, f"x.{kind}", kind=kind.removeprefix(".")) as archive:
        assert contents(archive) == files
        assert archive.skipped == {}


def test_archives_of_other_programs_are_read(tmp_path: Path) -> None:
    grow(tmp_path, **{"top/a.txt": "one\n", "top/sub/b.txt": "two\n"})
    (tmp_path / "top/hole").write_bytes(b"begin")
    with (tmp_path / "top/hole").open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"end")
    os.link(tmp_path / "top/a.txt", tmp_path / "top/z.txt")
    for form in ("gnu", "pax"):
        made = subprocess.run(
            ["tar", "-C", tmp_path, "--sparse", "--sort=name", f"--format={form}", "-cf", "-", "top"],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        assert len(made) < 100_000
        with opened(made, "x.tar") as archive:
            found = contents(archive)
            assert found.pop("top/hole") == b"begin" + bytes(5_000_000 - 5) + b"end"
            assert found == {"top/a.txt": b"one\n", "top/sub/b.txt": b"two\n", "top/z.txt": b"one\n"}
            assert archive.skipped == {}


def test_an_archive_by_git_is_read(repository: Path) -> None:
    grow(repository, **{"a.txt": "one\n", "sub/b.txt": "two\n"})
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "first")
    for form in ("zip", "tar", "tar.gz"):
        path = repository.parent / f"x.{form}"
        git(repository, "archive", f"--format={form}", "--prefix=top/", "-o", str(path), "HEAD")
        with opened(path.read_bytes(), path.name) as archive:
            assert contents(archive) == {"top/a.txt": b"one\n", "top/sub/b.txt": b"two\n"}
            assert (archive.skipped, archive.warnings) == ({}, [])


def test_a_zip_that_was_written_to_a_pipe_and_a_large_one_are_read() -> None:
    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, content: bytes) -> int:  # type: ignore[override]
            self.written += bytes(content)
            return len(content)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as made:
        for name in ("a", "b"):
            with made.open(name, "w", force_zip64=name == "b") as file:
                file.write(name.encode() * 1000)
    with opened(pipe.written, "x.zip") as archive:
        assert contents(archive) == {"a": b"a" * 1000, "b": b"b" * 1000}


# --- one compressed file ------------------------------------------------------------------------------------------


def gzipped_as(name: str, content: bytes = b"text\n") -> bytes:
    written = io.BytesIO()
    with gzip.GzipFile(name, "wb", fileobj=written, mtime=0) as file:
        file.write(content)
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "inner"),
    [
        (gzip.compress(b"text\n", mtime=0), "access.log.gz", "access.log"),
        (gzipped_as("told.txt"), "access.log.gz", "access.log"),
        (gzipped_as("told.txt"), "stdin", "told.txt"),
        (gzipped_as("../../etc/passwd"), "stdin", "passwd"),
        (gzip.compress(b"text\n", mtime=0), "stdin", "stdin"),
        (gzip.compress(b"text\n", mtime=0), ".gz", ".gz"),
        (bz2.compress(b"text\n"), "a.BZ2", "a"),
        (lzma.compress(b"text\n"), "a.txt.xz", "a.txt"),
        (gzip.compress(b"te", mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(b"xt\n", mtime=0), "a.gz", "a"),
        (lzma.compress(b"te") + bytes(8) + lzma.compress(b"xt\n"), "a.xz", "a"),
        (bz2.compress(b"te") + bz2.compress(b"xt\n"), "a.bz2", "a"),
        (gzip.compress(b"text\n", mtime=0) + bytes(100_000), "a.gz", "a"),
    ],
)
def test_a_compressed_file_is_one_file(content: bytes, name: str, inner: str) -> None:
    with opened(content, name) as archive:
        assert contents(archive) == {inner: b"text\n"}
        assert (archive.skipped, archive.warnings) == ({}, [])


def test_a_compressed_file_that_was_named_is_read_whatever_the_options_say() -> None:
    options = LoadOptions(include=("*.py",), max_file_size=10)
    with opened(gzip.compress(b"x" * 100), ".hidden.gz", options) as archive:
        assert contents(archive) == {".hidden": b"x" * 100}


def test_many_small_streams_are_read() -> None:
    with opened(gzip.compress(b"x") * 30_000, "a.gz") as archive:
        assert contents(archive) == {"a": b"x" * 30_000}


def test_what_follows_a_compressed_file_is_told() -> None:
    with opened(gzip.compress(b"text\n") + b"junk", "a.gz") as archive:
        assert contents(archive) == {"a": b"text\n"}
        assert archive.warnings == ["a.gz: something that is not read follows the archive's end"]


@pytest.mark.parametrize("name", ["x.tgz", "x.gz", "stdin"])
def test_a_tar_is_found_under_its_compression_whatever_its_name(name: str) -> None:
    with opened(gzip.compress(tarred({"a": b"x"})), name) as archive:
        assert contents(archive) == {"a": b"x"}


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b", "a/b"),
        ("./a//b/.", "a/b"),
        ("/etc/passwd", "etc/passwd"),
        ("../../etc/passwd", "etc/passwd"),
        ("a/../b", "a/b"),
        ("C:/Windows/x", "Windows/x"),
        ("C:x", "C:x"),
        ("..", "unnamed"),
        ("/", "unnamed"),
        ("a\\..\\b", "a/b"),
        ("\\\\server\\share", "server/share"),
    ],
)
def test_a_path_leads_nowhere_else(name: str, path: str) -> None:
    assert cleaned(name, backslashes=True) == path


def test_backslashes_part_names_in_zips_only() -> None:
    with opened(zipped({"a\\b": b"x"}), "x.zip") as archive:
        assert archive.files == ["a/b"]
    with opened(tarred({"a\\b": b"x"}), "x.tar") as archive:
        assert archive.files == ["a\\b"]


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:/etc/passwd"])
def test_names_that_lead_out_are_shortened_and_told(make: Callable[[dict[str, bytes]], bytes], name: str) -> None:
    with opened(make({"b": b"y", name: b"x"}), "x") as archive:
        assert contents(archive) == {"b": b"y", "etc/passwd": b"x"}
        assert archive.warnings == [f"x: names lead out of the archive, {name!r} for one; they are shortened"]


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_files_of_one_name_are_all_there(make: Callable[[list[tuple[str, bytes]]], bytes]) -> None:
    made = make([("a", b"first"), ("b", b"x"), ("./a", b"second"), ("a", b"third")])
    with opened(made, "x") as archive:
        assert contents(archive) == {"a": b"first", "a (2)": b"second", "a (3)": b"third", "b": b"x"}
        assert [archive.path(file) for file in archive.files] == ["a", "a", "a", "b"]
        assert archive.warnings == ["x: 2 files with names that came before, 'a' for one; all are read"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_ignore_files_with_one_name_the_last_counts() -> None:
    made = tarred([(".gitignore", b"a\n"), ("a", b"x"), ("b", b"x"), (".gitignore", b"b\n")])
    with opened(made, "x", LoadOptions()) as archive:
        assert archive.files == ["a"]


@pytest.mark.parametrize(
    ("raw", "flags", "path"),
    [
        (b"\x81.txt", 0, "\u00fc.txt"),
        ("\u00fc\u4e2d.txt".encode(), 0, "\u00fc\u4e2d.txt"),
        ("\u00fc.txt".encode(), 0x800, "\u00fc.txt"),
        (b"a\0b.txt", 0, "a"),
    ],
    ids=["cp437", "unsaid UTF-8", "UTF-8", "NUL"],
)
def test_names_in_zips_are_read_as_they_were_meant(raw: bytes, flags: int, path: str) -> None:
    made = zipped({"N" * len(raw): b"x"}).replace(b"N" * len(raw), raw)
    for place in (6, made.index(b"PK\x01\x02") + 8):
        made = made[:place] + struct.pack("<H", flags) + made[place + 2 :]
    with opened(made, "x.zip") as archive:
        assert contents(archive) == {path: b"x"}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_names_in_tars_need_not_be_utf_8(form: int) -> None:
    with opened(tarred({"caf\udce9": b"x"}, form), "x.tar") as archive:
        assert contents(archive) == {"caf\udce9": b"x"}


def test_names_too_long_or_too_deep_are_told() -> None:
    deep, long, large = "/".join(["d"] * 129), "n" * 5000, "l" * 5000
    made = tarred({deep: b"x", long: b"x", "a": b"x", large: bytes(2_000_000), "d/" * 127 + "x": b"y"})
    with opened(made, "x.tar") as archive:
        assert archive.files == ["a", "d/" * 127 + "x"]
        too_long = dict.fromkeys([long[:4096], large[:4096]], ("name too long", True))
        assert skips(archive) == {deep: ("nested too deeply", True)} | too_long


# --- what is left out ---------------------------------------------------------------------------------------------


def test_links_and_devices_are_no_files() -> None:
    made = tar_of(
        [
            (tarfile.TarInfo("a"), b"x"),
            member("hard", tarfile.LNKTYPE, "./a"),
            member("lost", tarfile.LNKTYPE, "nowhere"),
            member("self", tarfile.LNKTYPE, "self"),
            member("long", tarfile.LNKTYPE, "n" * 5000),
            member("soft", tarfile.SYMTYPE, "/etc/passwd"),
            member("tty", tarfile.CHRTYPE),
            member("pipe", tarfile.FIFOTYPE),
            member("odd", b"Q"),
            member("folder", tarfile.DIRTYPE),
        ]
    )
    with opened(made, "x.tar") as archive:
        assert contents(archive) == {"a": b"x", "hard": b"x"}
        assert skips(archive) == {
            "lost": ("broken link", False),
            "self": ("broken link", False),
            "long": ("broken link", False),
            "soft": ("link", False),
            "tty": ("not a regular file", False),
            "pipe": ("not a regular file", False),
            "odd": ("not a regular file", False),
        }


def test_links_in_zips_are_no_files() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        for name, mode in {"link": stat.S_IFLNK, "pipe": stat.S_IFIFO, "file": stat.S_IFREG}.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode | 0o644) << 16
            made.writestr(info, "/etc/passwd")
        made.mkdir("folder")
    with opened(written.getvalue(), "x.zip") as archive:
        assert archive.files == ["file"]
        assert skips(archive) == {"link": ("link", False), "pipe": ("not a regular file", False)}


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_large_file_and_an_archive_in_the_archive_are_left_out(make: Callable[[dict[str, bytes]], bytes]) -> None:
    inner = {
        "in/a.zip": zipped({"b": b"x"}),
        "in/b.tar": tarred({"b": b"x" * 2_000_000}),
        "in/c.gz": gzip.compress(b"x"),
    }
    with opened(
        make({"a": b"x" * 3_000_001, "b": b"y", **inner}), "x", LoadOptions(max_file_size=3_000_000)
    ) as archive:
        assert contents(archive) == {"b": b"y"}
        assert skips(archive) == {"a": ("too large", False)} | dict.fromkeys(inner, ("archive in an archive", False))


def locked(content: bytes) -> bytes:
    """Return a zip whose first file says that it is encrypted."""
    for place in (6, content.index(b"PK\x01\x02") + 8):
        content = content[:place] + b"\x01" + content[place + 1 :]
    return content


def test_an_encrypted_file_is_told() -> None:
    with opened(locked(zipped({"a": b"x", "b": b"y"})), "x.zip") as archive:
        assert contents(archive) == {"b": b"y"}
        assert skips(archive) == {"a": ("encrypted", True)}


def test_an_unknown_compression_is_told() -> None:
    made = zipped({"a": b"x"})
    place = made.index(b"PK\x01\x02") + 10
    with opened(made[:8] + b"\x61\0" + made[10:place] + b"\x61\0" + made[place + 2 :], "x.zip") as archive:
        assert skips(archive) == {"a": ("unknown compression", True)}


# --- which files are wanted ---------------------------------------------------------------------------------------

TREE_OF_ALL_KINDS = {
    ".gitignore": "*.log\nbuild/\n!keep.log\n/only-here\n",
    ".hidden/x.py": "x",
    ".env": "x",
    "a.py": "x",
    "b.log": "x",
    "keep.log": "x",
    "build/c.py": "x",
    "sub/.gitignore": "!b.log\nlocal\n",
    "sub/b.log": "x",
    "sub/local": "x",
    "sub/only-here": "x",
    "only-here": "x",
    "docs/build/d.md": "x",
    "docs/e.md": "x",
    "docs/.git/config": "x",
}


@pytest.mark.parametrize(
    "options",
    [
        LoadOptions(),
        LoadOptions(gitignore=False),
        LoadOptions(hidden=True),
        LoadOptions(include=("*.py",)),
        LoadOptions(include=("docs/",), exclude=("*.md",)),
        LoadOptions(exclude=("sub/", "/a.py")),
        LoadOptions(include=(".env",)),
    ],
    ids=str,
)
def test_the_same_files_are_wanted_as_in_a_folder(tmp_path: Path, options: LoadOptions) -> None:
    grow(tmp_path, **TREE_OF_ALL_KINDS)
    with Tree(str(tmp_path)) as tree:
        expected = list_folder(tree, None, options)
    files = {path: content.encode() for path, content in TREE_OF_ALL_KINDS.items()}
    # The rules may come last.
    for made in (zipped(files), tarred(files), tarred(reversed(files.items()))):
        with opened(made, "x", options) as archive:
            assert archive.files == expected.files
            assert skips(archive) == {path: (why.reason, why.failed) for path, why in expected.skipped.items()}
    listing = select(files, files.get, options)
    assert listing.files == expected.files
    assert {path: why.reason for path, why in listing.skipped.items()} == {
        path: why.reason for path, why in expected.skipped.items()
    }


def test_rules_that_cannot_be_followed_are_told() -> None:
    files = {
        ".gitignore": b"*a*b*c*d*\n",
        "a": b"x",
        "sub/.gitignore": b"#" * 1_000_001,
        "huge/.gitignore": b"#" * 3_000_000,
    }
    with opened(zipped(files), "x.zip", LoadOptions(max_file_size=2_000_000)) as archive:
        assert archive.files == ["a"]
        assert archive.warnings == [
            "x.zip: .gitignore: 1 patterns are not followed without git, '*a*b*c*d*' for one",
            "x.zip: huge/.gitignore cannot be read (too large); its rules are not followed",
            "x.zip: sub/.gitignore is larger than 1 MB; its rules are not followed",
        ]


def test_what_is_ignored_is_not_told_by_its_damage() -> None:
    made = locked(zipped({"secret/a": b"x", ".gitignore": b"secret/\n", "b": b"y"}))
    with opened(made, "x.zip", LoadOptions()) as archive:
        assert skips(archive) == {"secret/": ("ignored", False), ".gitignore": ("hidden", False)}


def test_a_useless_pattern_is_refused() -> None:
    with pytest.raises(UsageError, match="matches nothing"), opened(TREE, "x.tar", LoadOptions(include=("#",))):
        pass
