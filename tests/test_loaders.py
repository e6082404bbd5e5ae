"""Loading files, folders and streams: what is read, what is skipped and why, and what each document is called."""

import io
import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from rlm_cli.context import Context
from rlm_cli.errors import InputError, UsageError
from rlm_cli.loaders import LoadOptions, load


def grow(root: Path, files: dict[str, str | bytes]) -> Path:
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def paths(context: Context) -> list[str]:
    return [document.path for document in context.documents]


def text_of(context: Context, path: str) -> str:
    document = context.document(path)
    assert document is not None
    return context.text(document.span.start, document.span.end)


def skipped(context: Context) -> dict[str, str]:
    return {each.path: each.reason for each in context.skipped}


# --- what comes in ------------------------------------------------------------------------------------------------


def test_a_named_file_is_the_whole_context_without_a_header(tmp_path: Path) -> None:
    grow(tmp_path, {"deep/contract.TXT": "line\r\nline\rend"})
    context = load([f"{tmp_path}/deep/contract.TXT"]).context
    assert context.text(0, context.characters) == "line\r\nline\rend"
    assert [(each.path, each.kind, each.lines) for each in context.documents] == [("contract.TXT", "txt", 2)]
    assert context.inputs == (f"{tmp_path}/deep/contract.TXT",)


def test_a_folder_comes_in_order_with_paths_relative_to_it(tmp_path: Path) -> None:
    grow(tmp_path, {"b.py": "b", "a/z.md": "z", "a.txt": "a", "a/b/c": "c"})
    context = load([str(tmp_path)]).context
    assert paths(context) == ["a/b/c", "a/z.md", "a.txt", "b.py"]
    assert [each.kind for each in context.documents] == ["text", "md", "txt", "py"]
    assert context.text(0, 20) == "===== a/b/c =====\nc\n"


def test_standard_input_is_a_document_called_stdin() -> None:
    context = load(["-"], stdin=io.BytesIO(b"caf\xe9 au lait")).context
    assert (paths(context), context.text(0, 4)) == (["stdin"], "café")
    with pytest.raises(InputError, match="standard input"):
        load(["-"])


def test_a_named_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    fifo = tmp_path / "63"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_text, args=("from a process\n",))
    writer.start()
    context = load([str(fifo)]).context
    writer.join()
    assert (paths(context), context.text(0, 99)) == (["63"], "from a process\n")


def test_several_inputs_keep_the_order_they_were_given_in(tmp_path: Path) -> None:
    grow(tmp_path, {"z.txt": "z", "folder/a.txt": "a"})
    context = load([f"{tmp_path}/z.txt", "-", f"{tmp_path}/folder"], stdin=io.BytesIO(b"in")).context
    assert paths(context) == ["z.txt", "stdin", "a.txt"]


def test_colliding_names_get_the_input_in_front_and_others_do_not(tmp_path: Path) -> None:
    grow(tmp_path, {"one/src/x.py": "1", "two/src/x.py": "2", "three/y.py": "3"})
    context = load([f"{tmp_path}/one/src", f"{tmp_path}/two/src", f"{tmp_path}/three"]).context
    assert paths(context) == ["one/src/x.py", "two/src/x.py", "y.py"]
    assert text_of(context, "two/src/x.py") == "2"
    named = load([f"{tmp_path}/one/src/x.py", f"{tmp_path}/two/src/x.py"]).context
    assert paths(named) == ["one/src/x.py", "two/src/x.py"]


def test_a_file_reached_twice_is_loaded_once(tmp_path: Path) -> None:
    grow(tmp_path, {"a.txt": "a", "b.txt": "b", "c.png": b"\0"})
    context = load([f"{tmp_path}/b.txt", str(tmp_path), f"{tmp_path}/../{tmp_path.name}"]).context
    assert paths(context) == ["b.txt", "a.txt"]
    assert context.skipped_by_reason() == {"duplicate input": 4, "binary": 1}


def test_more_files_can_be_named_than_may_be_open_at_once(tmp_path: Path) -> None:
    grow(tmp_path, {f"{number}.txt": "x" for number in range(1100)})
    assert len(load([f"{tmp_path}/{number}.txt" for number in range(1100)]).context.documents) == 1100


# --- decoding -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_decoded_and_removed(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "f").write_bytes("naïve 😀\r\n".encode(encoding))
    assert load([f"{tmp_path}/f"]).context.text(0, 99) == "naïve 😀\r\n"


def test_big_endian_marks_are_known_too(tmp_path: Path) -> None:
    for number, name in enumerate(("utf-16-be", "utf-32-be")):
        (tmp_path / str(number)).write_bytes("\ufeffa語".encode(name))
    context = load([str(tmp_path)]).context
    assert [text_of(context, path) for path in paths(context)] == ["a語", "a語"]


def test_utf_8_with_a_wrong_byte_stays_utf_8_and_that_is_said(tmp_path: Path) -> None:
    # The fault lies beyond the first megabytes: what was written by then is taken back.
    grow(tmp_path, {"late.txt": "é".encode() * 1_500_000 + b"\xe9 end", "ok.txt": "ok"})
    loaded = load([str(tmp_path)])
    assert text_of(loaded.context, "late.txt").endswith("é\ufffd end")
    assert text_of(loaded.context, "ok.txt") == "ok"
    assert loaded.warnings == ("1 file with characters that are none, read as \ufffd: late.txt (utf-8)",)


GUESSES = {
    "cp1252": "L’été dernier, nous avons « mangé » à l’hôtel — c’était très bien. Où êtes-vous allés ? ",
    "iso8859-1": "int main(void) {\n  /* author: José García */\n  return 0;\n}\n",
    "cp1250": "Zażółć gęślą jaźń. Święto śniegu i łąki, że też nie wiem, co powiedzieć.",
    "cp1251": "Привет, как дела? Сегодня мы поговорим о погоде и о кошках. Это просто текст.",
    "koi8-r": "Привет, как дела? Сегодня мы поговорим о погоде и о кошках. Это просто текст.",
    "cp932": "これは日本語の文章です。今日は天気がいいですね。漢字とひらがな、カタカナ。",
    "euc_jp": "これは日本語の文章です。今日は天気がいいですね。漢字とひらがな、カタカナ。",
    "gb18030": "这是一个中文文本，用来测试编码检测。今天天气很好，我们去公园玩。",
    "big5": "這是一個中文文本，用來測試編碼檢測。今天天氣很好，我們去公園玩。",
    "euc_kr": "이것은 한국어 텍스트입니다. 오늘은 날씨가 좋네요. 공원에 갑시다.",
}


@pytest.mark.parametrize("encoding", GUESSES)
def test_other_encodings_are_guessed_recorded_and_said(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "f.txt").write_text(GUESSES[encoding], encoding=encoding)
    loaded = load([f"{tmp_path}/f.txt"])
    assert loaded.context.text(0, 999) == GUESSES[encoding]
    recorded = loaded.context.documents[0].encoding
    assert recorded == ("cp1252" if encoding == "iso8859-1" else encoding)
    assert loaded.warnings == (f"1 file not in UTF-8, read as {recorded} f.txt",)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_from_what_is_binary(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "f.txt").write_bytes("Date;Käufer\r\n2024-01-02;Søren\r\n".encode(encoding))
    (tmp_path / "g").write_bytes(b"a\0b\0\0\0c\0")
    loaded = load([str(tmp_path)])
    assert loaded.context.text(0, 11) == "Date;Käufer"
    assert loaded.context.documents[0].encoding == encoding
    assert [each.reason for each in loaded.context.skipped] == ["binary"]


def test_half_surrogates_in_utf_16_and_nuls_far_into_a_text_are_kept_in_place(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xff\xfe" + ("x" * 50 + "\ud800y").encode("utf-16-le", "surrogatepass"))
    (tmp_path / "g").write_bytes(b"x" * 10_000 + b"\0y")
    loaded = load([str(tmp_path)])
    assert text_of(loaded.context, "f") == "x" * 50 + "\ufffdy"
    assert text_of(loaded.context, "g").endswith("x\0y")
    assert loaded.warnings == ("1 file with characters that are none, read as \ufffd: f (utf-16-le)",)


def test_characters_cut_by_a_piece_are_put_together(tmp_path: Path) -> None:
    text = "x" + "語😀" * 400_000
    (tmp_path / "f").write_text(text, encoding="utf-8")
    context = load([f"{tmp_path}/f"]).context
    assert context.text(0, context.characters) == text


def test_a_marked_file_that_does_not_decode_is_a_failure_not_a_skip(tmp_path: Path) -> None:
    grow(tmp_path, {"bad.txt": b"\xff\xfea", "worse.txt": b"\xef\xbb\xbf\xff", "good.txt": "x"})
    context = load([str(tmp_path)]).context
    assert [(each.path, each.reason, each.failed) for each in context.skipped] == [
        ("bad.txt", "not decodable", True),
        ("worse.txt", "not decodable", True),
    ]


# --- what stays out -----------------------------------------------------------------------------------------------


def test_each_file_left_out_says_why(tmp_path: Path) -> None:
    outside = grow(tmp_path / "outside", {"secret": "x"})
    tree = grow(
        tmp_path / "tree",
        {"ok.txt": "ok", "image": b"a\0b", "empty": "", "mark": b"\xef\xbb\xbf", "a.PDF": "x", "b": b"%PDF-1.7",
         "big": "x" * 101, ".env": "k", ".venv/x/y.py": "y", "z.gz": b"\x1f\x8b\x08aaa"},
    )  # fmt: skip
    (tree / "inner").symlink_to("ok.txt")
    (tree / "outer").symlink_to(outside / "secret")
    (tree / "folder").symlink_to(outside)
    (tree / "loop").symlink_to("loop")
    (tree / "up").symlink_to("..")
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(os.path.relpath(tree / "sock"))
        context = load([str(tree)], LoadOptions(max_file_size=100)).context
    assert paths(context) == ["ok.txt"]
    assert skipped(context) == {
        "image": "binary", "z.gz": "archive", "empty": "empty", "mark": "empty", "big": "too large",
        "a.PDF": "damaged pdf", "b": "damaged pdf", ".env": "hidden", ".venv/": "hidden",
        "inner": "link", "outer": "link out of the tree", "folder": "link out of the tree", "loop": "broken link",
        "up": "link out of the tree", "fifo": "not a regular file", "sock": "not a regular file",
    }  # fmt: skip
    assert {each.path for each in context.skipped if each.failed} == {"a.PDF", "b"}


def test_a_named_file_is_loaded_however_large_and_hidden(tmp_path: Path) -> None:
    grow(tmp_path, {".hidden": "x" * 500})
    assert load([f"{tmp_path}/.hidden"], LoadOptions(max_file_size=100)).context.characters == 500


def test_hidden_files_come_when_asked_for_and_git_s_own_never(tmp_path: Path) -> None:
    grow(
        tmp_path,
        {".github/workflows/ci.yml": "x", ".venv/a.yml": "x", "a.yml": "x", ".git/config": "x", "sub/.git/HEAD": "x"},
    )
    everything = load([str(tmp_path)], LoadOptions(hidden=True)).context
    assert paths(everything) == [".github/workflows/ci.yml", ".venv/a.yml", "a.yml"]
    assert not everything.skipped
    assert paths(load([str(tmp_path)], LoadOptions(include=(".github/", "*.yml"))).context) == [
        ".github/workflows/ci.yml",
        "a.yml",
    ]
    assert paths(load([f"{tmp_path}/.github"]).context) == ["workflows/ci.yml"]


def test_include_and_exclude_choose_files_and_count_the_rest(tmp_path: Path) -> None:
    grow(tmp_path, {"src/a.py": "x", "src/gen/b.py": "x", "src/c.md": "x", "d.py": "x", "test/e.py": "x"})
    options = LoadOptions(include=("./src/", "*.py", "!d.py"), exclude=("gen/", "/test"))
    context = load([str(tmp_path)], options).context
    assert paths(context) == ["src/a.py", "src/c.md"]
    assert skipped(context) == {"src/gen/": "excluded", "test/": "excluded", "d.py": "not included"}


@pytest.mark.parametrize("pattern", ["", "#x", "[", "a\\"])
def test_a_pattern_that_can_match_nothing_is_refused(tmp_path: Path, pattern: str) -> None:
    grow(tmp_path, {"a": "x"})
    with pytest.raises(UsageError, match="matches nothing"):
        load([str(tmp_path)], LoadOptions(exclude=(pattern,)))


def test_a_tree_thousands_of_folders_deep_ends_as_a_failed_skip(tmp_path: Path) -> None:
    grow(tmp_path, {"ok": "x"})
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3_000):
        os.mkdir("d", dir_fd=here)  # no path could name it
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    context = load([str(tmp_path)]).context
    assert [(each.reason, each.failed) for each in context.skipped] == [("nested too deeply", True)]
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # pytest's own clean-up would go too deep


# --- what cannot be loaded ----------------------------------------------------------------------------------------


def test_a_missing_input_is_an_error_that_names_it(tmp_path: Path) -> None:
    for missing in (f"{tmp_path}/nothing", "", "a\0b", f"{tmp_path}/" + "x" * 5000):
        with pytest.raises(InputError, match=r"does not exist|cannot be read"):
            load([missing])
    with pytest.raises(InputError, match="nothing does not exist"):
        load([f"{tmp_path}/nothing"])


def test_a_named_file_that_is_no_text_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    grow(tmp_path, {"b.7z": b"7z\xbc\xaf\x27\x1cabc"})
    with pytest.raises(InputError, match="binary"):
        load([f"{tmp_path}/b.7z"])
    with pytest.raises(InputError, match="neither a file"):
        load(["/dev/zero"])


def test_inputs_without_text_are_an_error_that_counts_the_reasons(tmp_path: Path) -> None:
    grow(tmp_path, {"a": "", "b": b"\0", "c": b"\0", ".d": "x", "blank": " \n\t"})
    with pytest.raises(InputError, match="no text; skipped: 2 binary, 1 hidden, 1 empty") as error:
        load([str(tmp_path)])
    assert error.value.hint == "--hidden loads what starts with a dot"
    with pytest.raises(InputError, match="no text"):
        load(["-"], stdin=io.BytesIO(b""))
    assert paths(load([f"{tmp_path}/a", "-"], stdin=io.BytesIO(b"x")).context) == ["stdin"]


# --- hostile names ------------------------------------------------------------------------------------------------


def test_names_are_shown_escaped_and_stay_different(tmp_path: Path) -> None:
    names = [b"new\nline.py", b"new\\nline.py", b"\xff.py", b"===== x =====", b"\x1b[2J"]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    context = load([str(tmp_path)]).context
    assert sorted(paths(context)) == ["===== x =====", "\\udcff.py", "\\x1b[2J", "new\\nline.py", "new\\nline.py (2)"]
    assert text_of(context, "new\\nline.py") == "new\nline.py"
    assert text_of(context, "new\\nline.py (2)") == "new\\nline.py"
    assert [each.kind for each in context.documents].count("py") == 3
    for path in paths(context):
        path.encode()


# --- tokens -------------------------------------------------------------------------------------------------------


def test_exact_tokens_are_counted_for_each_document(tmp_path: Path) -> None:
    grow(tmp_path, {"dense": "9#!x~" * 4000, "plain": "the quick brown fox " * 1000})
    exact = load([str(tmp_path)], LoadOptions(exact_tokens=True)).context
    dense, plain = (each.tokens for each in exact.documents)
    assert exact.tokens_exact
    assert dense > 2 * plain
    assert exact.tokens > dense + plain
    estimated = load([str(tmp_path)]).context
    assert not estimated.tokens_exact
    assert abs(estimated.tokens / exact.tokens - 1) < 0.02
