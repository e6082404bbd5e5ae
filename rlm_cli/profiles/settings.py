"""The user's own settings: `config.yaml` in the folder of their profiles. Strict, as profiles are."""

from dataclasses import dataclass
from typing import Any

import yaml

from rlm_cli.errors import ProfileError
from rlm_cli.profiles.folders import user_folder

_KEYS = ("profile", "records")
_RECORDS = ("days", "megabytes")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file says; where it does not, the defaults."""

    profile: str | None = None
    """The profile of runs for which none is named."""
    record_days: float | None = 30
    """How long records of runs are kept; None: for ever."""
    record_megabytes: float | None = 1_000
    """How large all of them together may become; None: as large as they like."""


def read_settings() -> Settings:
    """Return the settings. Raises ProfileError where the file cannot be read, or says what it cannot."""
    path = user_folder() / "config.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise ProfileError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"cannot read {path}: it is not UTF-8") from error
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ProfileError(f"{path} is not YAML") from error
    said = {} if said is None else said
    if not isinstance(said, dict) or set(said) - set(_KEYS):
        raise ProfileError(f"{path} may hold two keys, profile: NAME and records: {{days: 30, megabytes: 1000}}")
    name = said.get("profile")
    if name is not None and not isinstance(name, str):
        raise ProfileError(f"{path}: profile must be a name")
    return Settings(name, **_records(said.get("records"), str(path)))


def _records(said: Any, path: str) -> dict[str, float | None]:
    said = {} if said is None else said
    if not isinstance(said, dict) or set(said) - set(_RECORDS):
        raise ProfileError(f"{path}: records may hold days and megabytes")
    for name, value in said.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if value is not None and not number:
            raise ProfileError(f"{path}: {name} must be a number, or null for no limit")
    return {f"record_{name}": value for name, value in said.items()}
