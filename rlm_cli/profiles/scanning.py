"""Looks a YAML text through before anything is made of it: a project may have planted it to stop who lists profiles.

Knows tokens, and nothing of what a profile may say.
"""

import yaml

from rlm_cli.errors import ProfileError

_OPENING = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
_DEEPEST = 50
_MOST_ALIASES = 10
"""However they stand within each other, so many stand for no more than some 40 times the text."""


def look_through(text: str, source: str) -> None:
    """Raise ProfileError for what makes a few lines cost hours: values that stand for others, and deep nesting."""
    depth = aliases = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        aliases += isinstance(token, yaml.AliasToken)
        if depth > _DEEPEST or aliases > _MOST_ALIASES:
            where = source if source.startswith("--set") else f"{source}, line {token.start_mark.line + 1}"
            if depth > _DEEPEST:
                raise ProfileError(f"{where}: nested too deeply")
            raise ProfileError(f"{where}: more than {_MOST_ALIASES} aliases (*)", "write the values out")
