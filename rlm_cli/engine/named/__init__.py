"""Findings that stand only in the final answer, as JSON or as Markdown: read, to be checked like reported ones.

findings.py is where to begin; nothing here knows the text or the run.
"""

from rlm_cli.engine.named.claim import NamedClaim
from rlm_cli.engine.named.findings import NamedFindings, claims_in

__all__ = ["NamedClaim", "NamedFindings", "claims_in"]
