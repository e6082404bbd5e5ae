"""What litellm knows about a model: its provider, window, price and key; and how a profile's gaps are filled from it.

Covered: `resolve`, and everything that is refused before the first call. Not covered: the call (litellm_client.py).
litellm's own get_model_info() is asked about cloud models only: for Ollama it would call the server.
"""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rlm_cli.addresses import OLLAMA, is_loopback, provider_of
from rlm_cli.errors import ProfileError, UnknownModel
from rlm_cli.types import ModelSpec, Price

FREE = Price(0.0, 0.0)
_OLLAMA_WINDOW = 16_384
"""Tokens. Ollama's own default is 4,096, and it cuts longer prompts without a word."""
_REDIRECTS = {
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    "anthropic": ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
    "ollama_chat": ("OLLAMA_API_BASE",),
    "vertex_ai": ("VERTEXAI_API_BASE",),
    "cohere_chat": ("COHERE_API_BASE",),
}
"""The variables, in litellm's order, that send a provider's calls elsewhere. By default it is NAME_API_BASE."""
_CLAUDE_HOSTS = ("openrouter", "bedrock", "vertex_ai", "azure_ai")
_OUTPUT_CAP = "use `max_output_tokens:`, which the budget reserves by"
_ADDRESS = "use `api_base:`, which is what the user is told"
_OURS = {
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict"), _OUTPUT_CAP),
    **dict.fromkeys(("api_base", "base_url", "custom_llm_provider"), _ADDRESS),
    **dict.fromkeys(("model", "messages", "fallbacks", "n", "stream", "mock_response"), "leave it out"),
    **dict.fromkeys(("context_window_fallback_dict", "model_list"), "use `fallbacks:` beside `params:`"),
    **dict.fromkeys(("input_cost_per_token", "output_cost_per_token"), "use `price:`, USD per million tokens"),
}
"""What `params:` may not hold: it would undo what another key says. name -> hint."""
_COLUMNS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
}
"""Where litellm's table has the parts of a price, in USD per token."""
_LONG = re.compile(r"(?:input|output)_cost_per_token(_above_(\d+)(k?)_tokens)")


class Catalogue:
    """Looks models up in litellm, which `load` imports when it is first needed."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._prices: dict[tuple[str, str], Price | None] = {}

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
        _check_params(spec)
        named = spec.api_base is not None
        spec = self._pinned(spec)
        local = self.is_local(spec)
        if provider in OLLAMA:
            return _with_window(replace(spec, price=spec.price or FREE))
        entry = self._entry(spec)
        window = spec.context_window
        if window is None and isinstance(entry.get("max_input_tokens"), int):
            window = entry["max_input_tokens"]
        price = spec.price
        if price is None and not (local and named):
            price = self.price(spec)  # what the environment puts on this machine may be a gate to a paid service
        return replace(spec, context_window=window, price=price or (FREE if local else None))

    def price(self, spec: ModelSpec) -> Price | None:
        """Return what litellm's table says, in USD per million tokens; None where it has no price by tokens."""
        tier = str(spec.params.get("service_tier", ""))
        if (spec.model, tier) not in self._prices:
            self._prices[spec.model, tier] = price_of(self._entry(spec), tier)
        return self._prices[spec.model, tier]

    def is_local(self, spec: ModelSpec) -> bool:
        """The model runs on this machine, or in the user's own Ollama: calls cost nothing and need no key."""
        provider, _, default_base = self._provider(spec)
        return provider in OLLAMA or is_loopback(spec.api_base or default_base)

    def redirected(self, spec: ModelSpec) -> str | None:
        """Return the address that the environment gives in place of the provider's own, None where it gives none."""
        provider, _, base = self._provider(spec)
        if base is None:
            names = _REDIRECTS.get(provider, (f"{provider.upper()}_API_BASE",))
            return next((value for name in names if (value := os.environ.get(name))), None)
        # litellm has looked already, and does not say whether it found anything. A default is in no variable.
        named = (value for name, value in os.environ.items() if name.endswith(("_API_BASE", "_BASE_URL", "_API_URL")))
        return base if any(value and base.startswith(value) for value in named) else None

    def _pinned(self, spec: ModelSpec) -> ModelSpec:
        return spec if spec.api_base is not None else replace(spec, api_base=self.redirected(spec))

    def takes_cache_marks(self, spec: ModelSpec) -> bool:
        """The provider keeps a prompt for later calls only as far as it is told to, as Claude's hosts do."""
        provider, _, _ = self._provider(spec)
        if "claude" not in spec.model or provider not in _CLAUDE_HOSTS:
            return provider == "anthropic"
        # Old models on Amazon's and Microsoft's servers reject marks.
        return provider == "openrouter" or bool(self._load().utils.supports_prompt_caching(spec.model))

    def takes_schemas(self, spec: ModelSpec) -> bool:
        """The provider can hold the model's reply to a JSON schema."""
        provider, _, _ = self._provider(spec)
        return provider in OLLAMA or bool(self._load().supports_response_schema(spec.model))

    def make_known(self, spec: ModelSpec) -> None:
        """Enter an Ollama model in litellm's table, before it is called.

        Of a model that is not there litellm asks the server four times a call: on localhost or where the environment
        points, wherever the call itself goes, and without a time limit. (register_model() asks once more.)
        """
        if provider_of(spec.model) in OLLAMA:
            free = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
            row = {"litellm_provider": "ollama", "mode": "chat", **free}
            self._load().model_cost.setdefault(spec.model, row)

    def key_variable(self, spec: ModelSpec) -> str | None:
        """Return the environment variable that a call's key comes from, None where that is not known."""
        if spec.api_key_env is not None:
            return spec.api_key_env
        try:
            provider, key, _ = self._provider(spec)
        except UnknownModel:
            return None
        spellings = (provider, provider.replace("_", ""), provider.partition("_")[0])
        names = [f"{spelling.upper()}_API_KEY" for spelling in spellings]
        if provider == "gemini":
            names.append("GOOGLE_API_KEY")
        if key:  # litellm has found it, under a name that it does not tell
            names += [name for name, value in os.environ.items() if value == key]
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
        if self.is_local(self._pinned(spec)):
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


def _check_params(spec: ModelSpec) -> None:
    body = spec.params.get("extra_body")
    for name, hint in _OURS.items():
        if name in spec.params or (isinstance(body, Mapping) and name in body):
            raise ProfileError(f"`params:` of {spec.model} holds {name}", hint)


def price_of(row: Mapping[str, Any], tier: str = "") -> Price | None:
    """Return the price in a row of litellm's table, for one of the provider's service tiers."""
    steps = {int(n) * (1000 if k else 1): part for name in row for part, n, k in _LONG.findall(name)}

    def read(name: str) -> float | None:
        found = row.get(f"{name}_{tier}")
        found = row.get(name) if found is None else found
        return None if found is None else round(float(found) * 1_000_000, 9)

    def columns(part: str) -> dict[str, Any]:
        return {key: found for key, name in _COLUMNS.items() if (found := read(name + part)) is not None}

    try:
        base = columns("")
        # A reply may be all thought, which some models charge more for.
        base["output"] = max(base["output"], read("output_cost_per_reasoning_token") or 0.0)
        long = tuple((tokens, Price(**(base | columns(part)))) for tokens, part in sorted(steps.items()))
        return replace(Price(**base), long=long)
    except (KeyError, TypeError, ValueError):
        return None  # a price by seconds, images, pages


def _with_window(spec: ModelSpec) -> ModelSpec:
    """Make an Ollama server's window and ours the same number, by the parameter that sets it."""
    given = [size for size in (spec.context_window, spec.params.get("num_ctx")) if size]
    window = min(given, default=_OLLAMA_WINDOW)
    return replace(spec, context_window=window, params={**spec.params, "num_ctx": window})
