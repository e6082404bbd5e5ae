"""Anything a user names -> one Context: files, folders, repositories, streams.

Covered: what is found and what is skipped (and why), git's part in it, reading each kind safely, decoding, the names of
documents. Not covered: writing the text (context_writer.py).
"""

from rlm_cli.loaders.base_file import at_base
from rlm_cli.loaders.loading import Loaded, Reached, load
from rlm_cli.loaders.office import OfficeReader
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.pdf import PdfReader
from rlm_cli.loaders.tree import Unloadable

__all__ = ["LoadOptions", "Loaded", "OfficeReader", "PdfReader", "Reached", "Unloadable", "at_base", "load"]
