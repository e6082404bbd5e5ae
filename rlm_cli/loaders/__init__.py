"""Anything a user names -> one Context: files, folders, repositories, streams.

Covered: what is found and what is skipped (and why), reading it safely, decoding, PDF, the names of documents.
Not covered: writing the text (context_writer.py), notebooks and archives, git revisions.
"""

from rlm_cli.loaders.loading import Loaded, Reached, load
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.pdf import PdfReader

__all__ = ["LoadOptions", "Loaded", "PdfReader", "Reached", "load"]
