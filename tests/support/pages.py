"""Contexts of documents with pages: a contract with printed numbers, alone or among others."""

from pathlib import Path

from support.pdfs import pdf

from rlm_cli.context import Context
from rlm_cli.loaders import load

CONTRACT = pdf(
    ["Contents\nArticle 1, page 1", "Preface", "Article 1\nThe tenant pays the rent.", "Article 2\nThe landlord pays."],
    labels="0 <</S/r>> 2 <</S/D>>",
    title="Lease",
)


def contract_in(folder: Path) -> Context:
    """Return the contract alone."""
    (folder / "contract.pdf").write_bytes(CONTRACT)
    return load([f"{folder}/contract.pdf"]).context


def several_in(folder: Path) -> Context:
    """Return the contract, another with a name that ends alike, one named like a page, a dump and a source file."""
    (folder / "contract.pdf").write_bytes(CONTRACT)
    (folder / "annex").mkdir()
    (folder / "annex" / "Our contract.pdf").write_bytes(pdf(["Annex\nthe rate is 5 %", "second", "third"]))
    (folder / "dump.txt").write_text("page one\nof é\fpage two\nand the end\f")
    (folder / "a.py").write_text("x = 1\n\f\ny = 2\n")
    (folder / "lost page mix.pdf").write_bytes(pdf(["gone", "kept"]))
    return load([str(folder)]).context
