"""The system prompt by family: which words suit which kind of root model.

`prompt_families` on the ground floor says which family a model is of; here is what each of them reads. The same bytes
in every run, so that providers can keep them.
"""

from rlm_cli.engine.families import frugal, reasoning, small, standard
from rlm_cli.prompt_families import Family, chosen, family_of
from rlm_cli.types import ModelSpec, Prompts

SYSTEM: dict[Family, str] = {
    "standard": standard.SYSTEM,
    "frugal": frugal.SYSTEM,
    "small": small.SYSTEM,
    "reasoning": reasoning.SYSTEM,
}


def system_prompt(root: ModelSpec, prompts: Prompts, child: bool = False) -> str:
    """Return what the root model of a run reads first.

    `child`: it is a child run, whose root is the sub-model: what the profile says of its own root does not hold.
    """
    if child:
        return SYSTEM[family_of(root)]
    return prompts.system if prompts.system is not None else SYSTEM[chosen(root, prompts)]
