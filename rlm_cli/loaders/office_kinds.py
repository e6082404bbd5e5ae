"""An office file -> what it is, by its content, and what is told of it first; loaded by its place, in a child.

Covered: locks, titles, how many pictures and files lie within. Not covered: its text (office_worker.py).
"""

import contextlib
import re
import zipfile
from typing import Any
from xml.etree import ElementTree

import olefile

_MOST_MARKUP = 1 << 30
"""Bytes of XML and HTML in one file, by its own table of contents, which is what unpacking stops at."""
_MARKUP = (".xml", ".rels", ".html", ".htm", ".xhtml", ".opf", ".ncx", ".vml")
_FOLDERS = {"META-INF/container.xml": "epub", "word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp", ".tif", ".tiff")
_OF_CONTENT = re.compile(r"(?:word|ppt/slides|xl/drawings|xl/worksheets)/_rels/[^/]+\.rels")
"""What says which pictures and files the content shows; those of layouts and charts are theirs."""
_FONTS_ALONE = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""How fonts of an EPUB are kept from being copied; its text is not."""
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_BODIES = ("__substg1.0_1000001F", "__substg1.0_1000001E", "__substg1.0_10130102")
_RTF_BODY = "__substg1.0_10090102"
"""Where a mail keeps its text."""
_LONGEST_TITLE = 1_000

Frame = dict[str, Any]


class Refused(Exception):
    """A file that is not read; its one argument says why, as office.py knows it."""


def kind_of(file: Any) -> tuple[str, Frame]:
    """Return the kind of a file, and what is said of it first. Raises Refused, and whatever the libraries raise."""
    file.seek(0)  # the place in a file is shared with whoever opened it
    if file.read(2) != b"PK":
        return _kind_of_compound(file)
    with zipfile.ZipFile(file) as archive:
        kind = _kind_of_archive(archive)
        return kind, _about_epub(archive) if kind == "epub" else _about(archive)


def _kind_of_archive(archive: zipfile.ZipFile) -> str:
    entries = archive.infolist()
    if any(each.flag_bits & 1 for each in entries):
        raise Refused("encrypted")
    if sum(each.file_size for each in entries if each.filename.lower().endswith(_MARKUP)) > _MOST_MARKUP:
        raise Refused("too large")
    for start, kind in _FOLDERS.items():
        if any(each.filename.startswith(start) for each in entries):
            return kind
    raise Refused("damaged")


def _about(archive: zipfile.ZipFile) -> Frame:
    """Return what is said first of a file of Microsoft's newer kind."""
    images, files = set(), set()
    for name in filter(_OF_CONTENT.fullmatch, archive.namelist()):
        for each in _tree(archive, name):
            kind = each.get("Type", "").rpartition("/")[2]
            if kind == "image":
                images.add(each.get("Target"))
            elif kind in ("oleObject", "package"):
                files.add(each.get("Target"))
    title = ""
    # A title that cannot be read takes no text with it.
    with contextlib.suppress(KeyError, ElementTree.ParseError):
        title = _tree(archive, "docProps/core.xml").findtext(_TITLE) or ""
    return _first(title[:_LONGEST_TITLE], len(images), len(files))


def _about_epub(archive: zipfile.ZipFile) -> Frame:
    names = archive.namelist()
    if "META-INF/encryption.xml" in names:
        methods = [each.get("Algorithm") for each in _tree(archive, "META-INF/encryption.xml").iter()]
        if any(each is not None and each not in _FONTS_ALONE for each in methods):
            raise Refused("encrypted")
    return _first("", sum(name.lower().endswith(_PICTURES) for name in names), 0)


def _first(title: str, images: int, attachments: int) -> Frame:
    return {"unit": "", "pages": 0, "title": title, "images": images, "attachments": attachments}


def _tree(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(name))


def _kind_of_compound(file: Any) -> tuple[str, Frame]:
    """Tell Microsoft's older kind of file, in which the newer ones lie when they are encrypted."""
    with olefile.OleFileIO(file) as compound:
        if compound.exists("EncryptedPackage"):
            raise Refused("encrypted")
        if compound.exists("Workbook") or compound.exists("Book"):
            return "xls", _first("", 0, 0)
        if compound.exists("__properties_version1.0"):
            tops = {each[0] for each in compound.listdir(streams=True, storages=True)}
            unread = sum(top.startswith("__attach_version1.0_") for top in tops)
            # A text that is kept as RTF alone is not read either.
            unread += compound.exists(_RTF_BODY) and not any(map(compound.exists, _BODIES))
            return "msg", _first("", 0, unread)
    raise Refused("damaged")
