"""A smaller context of some documents of another: places stay what they were."""

import json
from pathlib import Path

import pytest

from rlm_cli.context import Context
from rlm_cli.loaders import LoadOptions, load
from rlm_cli.narrowing import narrowed


def loaded(folder: Path, files: dict[str, str]) -> Context:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load([str(folder)], LoadOptions()).context


FILES = {
    "a.py": "first\nsecond\n",
    "b/notes.txt": "page one\n\fpage two: über\n\fpage three\n",
    "c.jsonl": "".join(json.dumps({"n": number, "who": "Zoë"}) + "\n" for number in range(5)),
    "d.md": "# last",
}


def test_documents_keep_their_text_and_their_order(tmp_path: Path) -> None:
    whole = loaded(tmp_path, FILES)
    part = narrowed(whole, {"d.md", "a.py"})
    assert [each.path for each in part.documents] == ["a.py", "d.md"]
    assert [part.text(each.span.start, each.span.end) for each in part.documents] == [FILES["a.py"], FILES["d.md"]]
    assert part.text(0, part.characters) == "===== a.py =====\nfirst\nsecond\n===== d.md =====\n# last"
    assert part.is_intact()
    assert part.tokens == sum(each.tokens for each in part.documents) > 0


@pytest.mark.parametrize("paths", [{"b/notes.txt"}, {"a.py", "b/notes.txt", "c.jsonl"}, set(FILES)])
def test_lines_pages_and_records_are_where_they_were(tmp_path: Path, paths: set[str]) -> None:
    whole = loaded(tmp_path, FILES)
    part = narrowed(whole, paths)
    for path in paths:
        then, now = whole.document(path), part.document(path)
        assert then is not None
        assert now is not None
        assert (now.lines, now.kind, now.title, now.encoding) == (then.lines, then.kind, then.title, then.encoding)
        moved = now.span.start - then.span.start
        for offset in range(then.span.start, then.span.end):
            assert part.locate(offset + moved) == whole.locate(offset)
            assert part.page_of(path, offset + moved) == whole.page_of(path, offset)
            assert part.part_of(path, offset + moved) == whole.part_of(path, offset)


def test_one_document_alone_has_no_header(tmp_path: Path) -> None:
    part = narrowed(loaded(tmp_path, FILES), ["a.py"])
    assert part.text(0, part.characters) == FILES["a.py"]


def test_a_context_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none of these"):
        narrowed(loaded(tmp_path, FILES), ["x.py"])
