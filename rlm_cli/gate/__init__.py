"""Which findings of a run count: the baseline, suppressions, ignores, changed lines and confidence.

Covered: the files and comments that say so, whether the scanned branch may have written them, where each finding then
belongs, whether a CI job fails. Not covered: making findings and checking them (engine/), showing them (reports/).
"""

from rlm_cli.gate.files import check_profile, surroundings_of
from rlm_cli.gate.policy import Policy, policy_from
from rlm_cli.gate.sift import failing, fails, sift

__all__ = ["Policy", "check_profile", "failing", "fails", "policy_from", "sift", "surroundings_of"]
