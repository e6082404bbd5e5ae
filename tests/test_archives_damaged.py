"""Archives that are damaged, or made against who reads them: what is saved, what is told, what is refused."""

import gzip
import importlib
import io
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest
from support.archives import PACKED, contents, opened, skips, tarred, zipped

from rlm_cli.errors import InputError
from rlm_cli.loaders.archive import ArchiveLimits
from rlm_cli.loaders.options import LoadOptions

NOISE = random.Random(1).randbytes(240_000)
"""What does not compress."""
THREE = {name: random.Random(name).randbytes(240_000) for name in "abc"}


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.xz", ".zip"])
def test_what_came_before_a_cut_is_read(ending: str) -> None:
    made = zipped(THREE) if ending == ".zip" else PACKED[ending](tarred(THREE))
    with opened(made[: len(made) // 2], "x" + ending) as archive:
        assert contents(archive) == {"a": THREE["a"]}
        assert skips(archive) == {"b": ("damaged", True), f"x{ending}": ("damaged archive", True)}


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_an_archive_cut_anywhere_says_so(ending: str) -> None:
    made = (
        zipped({"a": b"one", "b": b"two"}) if ending == ".zip" else PACKED[ending](tarred({"a": b"one", "b": b"two"}))
    )
    end = 2048 if ending == ".tar" else len(made)
    for cut in range(1, end, max(1, end // 25)):
        try:
            with opened(made[:cut], "x" + ending, kind=ending[1:]) as archive:
                told = archive.skipped.get(f"x{ending}")
                assert (told and told.failed) or archive.warnings == [
                    "x.tar: the archive has no end mark: is it whole?"
                ]
                assert set(contents(archive).items()) <= {("a", b"one"), ("b", b"two")}
        except InputError as error:
            assert "is damaged, or no archive at all" in str(error)


def test_a_zip_with_a_name_that_is_no_text_is_read() -> None:
    made = zipped({"NN.txt": b"x", "b": b"y"}).replace(b"NN", b"\xe9\xff")
    for place in (6, made.index(b"PK\x01\x02") + 8):
        made = made[:place] + struct.pack("<H", 0x800) + made[place + 2 :]
    with opened(made, "x.zip") as archive:
        assert contents(archive) == {"\udce9\udcff.txt": b"x", "b": b"y"}
        assert skips(archive) == {"x.zip": ("damaged archive", True)}


def test_a_zip_to_a_pipe_that_was_cut_is_read_as_far_as_it_goes() -> None:
    def behind(content: bytes, large: bool) -> bytes:
        packed = zlib.compressobj(wbits=-15)
        body = packed.compress(content) + packed.flush()
        sizes = struct.pack("<QQ" if large else "<LL", len(body), len(content))
        return body + b"PK\x07\x08" + struct.pack("<L", zlib.crc32(content)) + sizes

    made = b""
    for name, large in (("a", False), ("b", True), ("c", False)):
        made += b"PK\x03\x04" + struct.pack("<HHHHHLLLHH", 20, 8, 8, 0, 0, 0, 0, 0, 1, 0)
        made += name.encode() + behind(name.encode() * 999, large)
    with opened(made, "x.zip") as archive:
        assert contents(archive) == {name: name.encode() * 999 for name in "abc"}
        assert skips(archive) == {"x.zip": ("damaged archive", True)}


def broken_at(content: bytes, mark: bytes) -> bytes:
    place = content.index(mark)
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def test_a_damaged_file_in_a_zip_costs_itself_alone() -> None:
    files = {"a": b"one", "b": b"two" * 500_000, "c": b"three", "d": b"four"}
    made = broken_at(broken_at(zipped(files, zipfile.ZIP_STORED), b"one"), b"twotwo")
    with opened(made, "x.zip") as archive:
        assert contents(archive) == {"c": b"three", "d": b"four"}
        assert skips(archive) == {"a": ("damaged", True), "b": ("damaged", True)}


def test_a_zip_whose_names_differ_by_where_they_stand_is_not_believed() -> None:
    made = zipped({"good.py": b"x", "b": b"y"})
    with opened(made.replace(b"good.py", b"evil.py", 1), "x.zip") as archive:
        assert contents(archive) == {"b": b"y"}
        assert skips(archive) == {"good.py": ("damaged", True)}


def test_a_size_that_lies_makes_a_damaged_file() -> None:
    made = zipped({"a": b"x" * 100, "b": b"y"})
    place = made.index(b"PK\x01\x02") + 24
    for size in (99, 101, 5_000_000):
        with opened(made[:place] + struct.pack("<L", size) + made[place + 4 :], "x.zip") as archive:
            assert contents(archive) == {"b": b"y"}
            assert skips(archive) == {"a": ("damaged", True)}


def test_damage_between_files_of_a_tar_is_not_taken_for_its_end() -> None:
    made = tarred({"a": b"one", "b": b"two"}, tarfile.USTAR_FORMAT)
    with opened(made[:1024] + b"!" + made[1025:], "x.tar") as archive:
        assert contents(archive) == {"a": b"one"}
        assert skips(archive) == {"x.tar": ("damaged archive", True)}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_follows_the_end_of_a_tar_is_told(pack: Callable[[bytes], bytes]) -> None:
    with opened(pack(tarred({"a": b"one"}) + tarred({"b": b"two"})), "x.tar.gz", kind=None) as archive:
        assert contents(archive) == {"a": b"one"}
        assert archive.warnings == ["x.tar.gz: something that is not read follows the archive's end"]


def test_a_wrong_checksum_behind_a_tar_is_damage() -> None:
    made = gzip.compress(tarred({"a": b"one", "b": NOISE}))
    with opened(made[:-8] + bytes(4) + made[-4:], "x.tgz") as archive:
        assert contents(archive) == {"a": b"one"}
        assert skips(archive) == {"b": ("damaged", True), "x.tgz": ("damaged archive", True)}


def test_a_tar_without_an_end_mark_is_read_with_a_warning() -> None:
    with opened(tarred({"a": b"one"}, tarfile.USTAR_FORMAT)[:1024], "x.tar") as archive:
        assert contents(archive) == {"a": b"one"}
        assert archive.warnings == ["x.tar: the archive has no end mark: is it whole?"]


def test_what_came_before_a_cut_in_a_compressed_file_is_read() -> None:
    made = gzip.compress(NOISE)
    with opened(made[: len(made) // 2], "a.gz") as archive:
        [content] = contents(archive).values()
        assert len(content) > len(NOISE) // 3 and NOISE.startswith(content)
        assert skips(archive) == {"a.gz": ("damaged archive", True)}


def test_a_zip_behind_a_program_is_read_with_a_warning() -> None:
    with opened(b"#!/bin/sh\nexec java -jar $0\n" + zipped({"a": b"one"}), "x.jar") as archive:
        assert contents(archive) == {"a": b"one"}
        assert archive.warnings == ["x.jar: something that is not read stands before the archive"]


def test_a_zip_may_have_a_comment_that_looks_like_another_end() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        made.writestr("a", "one")
        made.comment = b"PK\x05\x06 but no more"
    try:
        with opened(written.getvalue(), "x.zip") as archive:
            assert set(contents(archive).items()) <= {("a", b"one")}
    except InputError as error:
        assert "is damaged" in str(error)


# --- refusals -----------------------------------------------------------------------------------------------------

SMALL = ArchiveLimits(total=1_000_000, times=50, free=100_000, members=20)


def refusal(content: bytes, name: str, limits: ArchiveLimits = SMALL) -> InputError:
    with pytest.raises(InputError) as refused, opened(content, name, limits=limits, kind=None):
        pass
    assert str(refused.value).startswith(f"{name} ")
    assert refused.value.hint
    return refused.value


@pytest.mark.parametrize("ending", [".zip", *list(PACKED)[1:]])
def test_a_bomb_is_refused(ending: str) -> None:
    files = {f"{number}": bytes(50_000) for number in range(10)}
    made = zipped(files) if ending == ".zip" else PACKED[ending](tarred(files))
    assert "unpacks to more than 50 times its size" in str(refusal(made, "x" + ending))


def test_a_bomb_of_one_file_is_refused() -> None:
    assert "unpacks to more than 50 times its size" in str(refusal(gzip.compress(bytes(5_000_000)), "x.gz"))


def test_a_bomb_in_a_file_that_is_too_large_anyway_is_refused() -> None:
    made = gzip.compress(tarred({"a": bytes(21_000_000)}))
    assert "unpacks to more than 50 times its size" in str(refusal(made, "x.tgz"))


def test_more_than_all_that_may_be_kept_is_refused_and_excluding_helps() -> None:
    files = {"a": NOISE, "b/c": NOISE, "b/d": NOISE, "b/e": NOISE, "b/f": NOISE}
    for made, name in ((zipped(files), "x.zip"), (tarred(files), "x.tar")):
        error = refusal(made, name)
        assert "unpacks to more than 1,000,000 bytes" in str(error)
        assert "--exclude" in str(error.hint)
        with opened(made, name, LoadOptions(exclude=("b/",)), limits=SMALL) as archive:
            assert archive.files == ["a"]


@pytest.mark.parametrize("make", [zipped, tarred])
def test_too_many_files_and_folders_are_refused(make: Callable[[dict[str, bytes]], bytes]) -> None:
    for files in ({f"{number}": b"" for number in range(21)}, {"/".join("abcdefghijklmnopqrstu"): b""}):
        assert "holds more than 20 files and folders" in str(refusal(make(files), "x"))
    with opened(make({f"{number}": b"" for number in range(20)}), "x", limits=SMALL) as archive:
        assert len(archive.files) == 20


def overlapping() -> bytes:
    """Return a zip in whose directory one file stands for many: as bombs are made that hold little."""
    made = zipped({"a": NOISE})
    place = made.index(b"PK\x01\x02")
    end = made.index(b"PK\x05\x06")
    entries = made[place:end] * 9
    return made[:place] + entries + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 9, 9, len(entries), place, 0)


def quoted() -> bytes:
    """Return a zip whose first file holds the second's header, stored."""
    inner = zipped({"b": NOISE[:1000]}, zipfile.ZIP_STORED)
    inner = inner[: inner.index(b"PK\x01\x02")]
    made = zipped({"a": inner}, zipfile.ZIP_STORED)
    place, end = made.index(b"PK\x01\x02"), made.index(b"PK\x05\x06")
    first = made[place:end]
    other = zipped({"b": NOISE[:1000]}, zipfile.ZIP_STORED)
    second = other[other.index(b"PK\x01\x02") : other.index(b"PK\x05\x06")]
    second = second[:42] + struct.pack("<L", made.index(inner)) + second[46:]
    size = len(first) + len(second)
    return made[:end] + second + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 2, 2, size, place, 0)


@pytest.mark.parametrize("made", [overlapping(), quoted()], ids=["the same", "quoted"])
def test_a_zip_whose_files_overlap_is_refused(made: bytes) -> None:
    assert "is a zip whose files overlap" in str(refusal(made, "x.zip"))


def test_a_part_of_a_zip_is_refused() -> None:
    made = zipped({"a": b"x"})
    place = made.index(b"PK\x01\x02") + 34
    assert "is one part of a zip" in str(refusal(made[:place] + b"\x02\0" + made[place + 2 :], "x.zip"))


def test_an_xz_that_takes_a_gigabyte_to_read_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    made = bytearray(lzma.compress(b"x" * 1000, filters=filters))
    # The block's header: size, flags, filter, size of its properties, the dictionary's size, padding, checksum.
    assert made[12:17] == bytes([2, 0, 0x21, 1, 16])
    made[16] = 38
    made[20:24] = struct.pack("<L", zlib.crc32(made[12:20]))
    assert "takes too much memory" in str(refusal(bytes(made), "x.xz"))


@pytest.mark.parametrize(
    ("content", "name", "why"),
    [
        (gzip.compress(b"no tar", mtime=0), "x.tgz", "holds no tar"),
        (gzip.compress(b"", mtime=0), "x.tgz", "holds no tar"),
        (gzip.compress(b"x", mtime=0)[:8], "x.gz", "is damaged, or no archive at all"),
        (zipped({"a": b"x"})[:20], "x.zip", "is damaged, or no archive at all"),
        (b"MZ" + bytes(1000), "x.zip", "is damaged, or no archive at all"),
        (b"BZh91AY&SY" + bytes(100), "x.bz2", "is damaged, or no archive at all"),
        (tarred({"a": b"x" * 1000}, tarfile.USTAR_FORMAT)[:700], "x.tar", "is damaged, or no archive at all"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused(content: bytes, name: str, why: str) -> None:
    assert why in str(refusal(content, name))


@pytest.mark.parametrize("content", [zipped({}), tarred({}), bytes(10240)])
def test_an_empty_archive_holds_nothing(content: bytes) -> None:
    with opened(content, "x.tar") as archive:
        assert (archive.files, archive.skipped) == ([], {})


# --- zstandard ----------------------------------------------------------------------------------------------------


def plain_zstd(content: bytes, window: int = 10) -> bytes:
    """Return a frame of zstandard that is not compressed; `window` is the power of two that it asks for."""
    blocks = [content[start : start + 1000] for start in range(0, len(content), 1000)]
    heads = [len(block) << 3 | (number == len(blocks)) for number, block in enumerate(blocks, 1)]
    return b"\x28\xb5\x2f\xfd\0%c" % (window - 10 << 3) + b"".join(
        head.to_bytes(3, "little") + block for head, block in zip(heads, blocks, strict=True)
    )


def test_zstandard_is_read_or_what_it_needs_is_named() -> None:
    try:
        with opened(plain_zstd(b"text\n"), "a.txt.zst") as archive:
            assert contents(archive) == {"a.txt": b"text\n"}
    except InputError as error:
        with pytest.raises(ImportError):
            importlib.import_module("backports.zstd")
        assert str(error) == "a.txt.zst is compressed with zstandard, which needs a package"
        assert error.hint == "pip install 'rlm-cli[zstd]'"


def test_zstandard_is_read_in_all_its_ways() -> None:
    pytest.importorskip("backports.zstd", reason="the extra is not installed")
    with opened(plain_zstd(tarred({"a": b"x"})) * 2, "a.tar.zst") as archive:
        assert contents(archive) == {"a": b"x"}
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    with opened(plain_zstd(b"te") + skippable + plain_zstd(b"xt\n"), "a.zst") as archive:
        assert contents(archive) == {"a": b"text\n"}
    with opened(plain_zstd(NOISE)[:100_000], "a.zst") as archive:
        assert skips(archive) == {"a.zst": ("damaged archive", True)}
        assert NOISE.startswith(contents(archive)["a"])
    assert "takes too much memory" in str(refusal(plain_zstd(b"x", window=30), "a.zst"))
