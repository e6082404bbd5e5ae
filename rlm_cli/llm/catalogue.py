"""What litellm knows about a model: its provider, window, price and key; and how a profile's gaps are filled from it.

Covered: `resolve`, and everything that is refused before the first call. Not covered: the call (litellm_client.py).
litellm's own get_model_info() is asked about cloud models only: for Ollama it would call the server.
"""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rlm_cli.addresses import OLLAMA, is_loopback, provider_of
from rlm_cli.errors import ProfileError, UnknownModel
from rlm_cli.types import ModelSpec, Price

FREE = Price(0.0, 0.0)
_OLLAMA_WINDOW = 16_384
"""Tokens. Ollama's own default is 4,096, and it cuts longer prompts without a word."""


class Catalogue:
    """Looks models up in litellm, which `load` imports when it is first needed."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._prices: dict[str, Price | None] = {}

    def resolve(self, spec: ModelSpec) -> ModelSpec:
        """Return the spec with window and price filled in where they were open and litellm knows them.

        Raises UnknownModel where litellm cannot tell the provider, ProfileError where the key is missing.
        """
        missing = self.missing_key(spec)
        if missing is not None:
            raise ProfileError(
                f"{spec.model} needs a key, and {missing} is not set",
                f"export {missing}=<key>, or choose another profile (-p offline needs none)",
            )
        return self.filled(spec)

    def filled(self, spec: ModelSpec) -> ModelSpec:
        """Do what `resolve` does without asking for a key."""
        provider, _, _ = self._provider(spec)
        local = self.is_local(spec)
        if provider in OLLAMA:
            return _with_window(replace(spec, price=spec.price or FREE))
        entry = self._entry(spec)
        window = spec.context_window
        if window is None and isinstance(entry.get("max_input_tokens"), int):
            window = entry["max_input_tokens"]
        price = spec.price or (FREE if local else self.price(spec))
        return replace(spec, context_window=window, price=price)

    def price(self, spec: ModelSpec) -> Price | None:
        """Return what litellm's table says, in USD per million tokens; None where it has no price by tokens."""
        if spec.model not in self._prices:
            self._prices[spec.model] = _price(self._entry(spec))
        return self._prices[spec.model]

    def is_local(self, spec: ModelSpec) -> bool:
        """The model runs on this machine, or in the user's own Ollama: calls cost nothing and need no key."""
        provider, _, default_base = self._provider(spec)
        return provider in OLLAMA or is_loopback(spec.api_base or default_base)

    def key_variable(self, spec: ModelSpec) -> str | None:
        """Return the environment variable that a call's key comes from, None where that is not known."""
        if spec.api_key_env is not None:
            return spec.api_key_env
        try:
            provider, _, _ = self._provider(spec)
        except UnknownModel:
            return None
        names = [f"{provider.upper()}_API_KEY", f"{provider.upper().replace('_', '')}_API_KEY"]
        if provider == "gemini":
            names.append("GOOGLE_API_KEY")
        return next((name for name in names if os.environ.get(name)), None)

    def _provider(self, spec: ModelSpec) -> tuple[str, str | None, str | None]:
        """Return the provider's name, the key that litellm has found for it, and its usual address."""
        litellm = self._load()
        try:
            # Not with api_base: litellm would then guess the provider from well-known addresses.
            _, provider, key, base = litellm.get_llm_provider(spec.model)
        except litellm.exceptions.BadRequestError:
            raise UnknownModel(f"litellm knows no provider for the model {spec.model!r}", self._nearest(spec)) from None
        return provider, key, base

    def _nearest(self, spec: ModelSpec) -> str:
        litellm = self._load()
        known = {
            name if name.startswith(f"{provider}/") else f"{provider}/{name}"
            for provider, names in litellm.models_by_provider.items()
            for name in names
        }
        if spec.api_base is not None:
            return f"for an OpenAI-compatible server write openai/{spec.model}"
        near = difflib.get_close_matches(spec.model, sorted(known), n=3, cutoff=0.6)
        if "/" not in spec.model:
            tails = {name.rpartition("/")[2]: name for name in sorted(known, key=len, reverse=True)}
            near = [tails[tail] for tail in difflib.get_close_matches(spec.model, tails, n=3, cutoff=0.6)]
        if near:
            return f"did you mean {' or '.join(near)}?"
        return "write it as provider/model, as in openai/gpt-5.2 or ollama_chat/qwen3"

    def _entry(self, spec: ModelSpec) -> Mapping[str, Any]:
        """Return the table's row. get_model_info() finds it, but shows a missing price as 0: hence the raw row."""
        litellm = self._load()
        if provider_of(spec.model) in OLLAMA:
            return {}
        try:
            key = litellm.get_model_info(spec.model)["key"]
        except Exception:  # noqa: BLE001 - its classes have changed between versions; all mean "not there"
            return {}
        row: Mapping[str, Any] = litellm.model_cost.get(key, {})
        return row

    def missing_key(self, spec: ModelSpec) -> str | None:
        """Return the variable that should hold the model's key and does not; None where a call can be tried.

        Raises UnknownModel where litellm cannot tell the provider.
        """
        if spec.api_key_env is not None:
            return None if os.environ.get(spec.api_key_env, "").strip() else spec.api_key_env
        if self.is_local(spec):
            return None
        provider, key, _ = self._provider(spec)
        missing = self._load().validate_environment(spec.model, api_key=key, api_base=spec.api_base)["missing_keys"]
        # Clouds (AWS, Google, Azure) sign in by roles and files too: there only the call can tell.
        if not missing or not all(name.endswith("_API_KEY") for name in missing):
            return None
        usual = f"{provider.upper()}_API_KEY"
        return usual if usual in missing else str(missing[0])

    def retired_on(self, spec: ModelSpec) -> str | None:
        """Return the day, as YYYY-MM-DD, on which the provider ends the model; None where the table names none."""
        day = self._entry(spec).get("deprecation_date")
        return day if isinstance(day, str) else None


def _price(row: Mapping[str, Any]) -> Price | None:
    try:
        given, taken = float(row["input_cost_per_token"]), float(row["output_cost_per_token"])
        cached = row.get("cache_read_input_token_cost")
        return Price(_per_million(given), _per_million(taken), None if cached is None else _per_million(float(cached)))
    except (KeyError, TypeError, ValueError):
        return None


def _per_million(usd: float) -> float:
    return round(usd * 1_000_000, 9)


def _with_window(spec: ModelSpec) -> ModelSpec:
    """Make an Ollama server's window and ours the same number, by the parameter that sets it."""
    window = spec.context_window or spec.params.get("num_ctx") or _OLLAMA_WINDOW
    return replace(spec, context_window=window, params={"num_ctx": window, **spec.params})
