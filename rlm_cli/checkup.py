"""What a run would find on this machine: versions, the profile, keys, local servers, tokenizer, sandbox, folders.

Looks, and changes nothing. The names of keys are told, never their values. litellm is not imported and no provider is
asked; local model servers are asked what they have. Prints nothing: `rlm doctor` does.
"""

import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rlm_cli import __version__
from rlm_cli.addresses import OLLAMA, is_loopback, provider_of, shown_address
from rlm_cli.amounts import counted
from rlm_cli.confinement import MEANINGS
from rlm_cli.context_writer import ContextWriter
from rlm_cli.errors import InputError, ProfileError, RlmError, SandboxError
from rlm_cli.llm.cache_place import cache_folder
from rlm_cli.llm.local_servers import offered, ollama_address
from rlm_cli.loaders import OfficeReader, PdfReader, Unloadable
from rlm_cli.profiles import KEYS, Found, choose, find, load, user_folder, visible
from rlm_cli.sandbox import open_repl
from rlm_cli.seams import Cell, CellFinished, ReplFacts
from rlm_cli.strength import level_of
from rlm_cli.tokens import count_tokens, vocabulary_folder
from rlm_cli.trajectory import run_ids, runs_folder, size
from rlm_cli.types import Limits, ModelSpec

_PACKAGES = ("litellm", "RestrictedPython", "tiktoken", "pypdfium2", "rich", "typer", "PyYAML")
_SHOWN_MODELS = 8
_LAYERS = {
    "policy": "code says and touches only what is listed",
    "process": "no environment, no folder, one socket",
    **MEANINGS,
}


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    failure: RlmError | None = None
    """What keeps every run from working; None where nothing does."""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    facts: tuple[Fact, ...]


def checkup() -> Iterator[Section]:
    """Yield the sections, the quick ones first."""
    # A project's profiles are as foreign as its text: they choose no address that is asked.
    specs = [spec for found in visible() if found.origin != "project" for spec in _specs(found)]
    yield Section("versions", (Fact("rlm", __version__), Fact("Python", _python()), Fact("packages", _packages())))
    yield Section("profile", (_profile(),))
    yield Section("keys", tuple(_keys(specs)))
    yield Section("tokenizer", (_tokenizer(),))
    yield Section("sandbox", tuple(_sandbox()))
    yield Section("local servers", tuple(_servers(specs)))
    yield Section("files", tuple(_files()))


def _specs(found: Found) -> Iterable[ModelSpec]:
    try:
        profile = load(found)
    except ProfileError:
        return ()  # `rlm profiles list` says what is wrong with it
    return profile.models


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}"


def _packages() -> str:
    return ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _profile() -> Fact:
    try:
        choice = choose(None)
    except ProfileError as error:
        return Fact("without -p", f"none; {error.hint or error}")
    try:
        load(find(choice.name))
    except ProfileError as error:
        return Fact("without -p", f"{choice.name}: {choice.reason}, but it cannot be used: {error}")
    return Fact("without -p", f"{choice.name}: {choice.reason}")


def _keys(specs: list[ModelSpec]) -> Iterator[Fact]:
    named = [*KEYS, *(spec.api_key_env for spec in specs if spec.api_key_env)]
    there = {name for name, value in os.environ.items() if name.endswith("_API_KEY") and value.strip()}
    there |= {name for name in named if os.environ.get(name, "").strip()}
    yield Fact("set", ", ".join(sorted(there)) or "none")
    missing = sorted(set(named) - there)
    if missing:
        yield Fact("not set", ", ".join(missing))


def _tokenizer() -> Fact:
    folder = vocabulary_folder()
    if folder is None:
        return Fact("o200k_base", "not in litellm's package: tiktoken will fetch it when tokens are counted first")
    return Fact("o200k_base", f"counts offline ({count_tokens('hello world')} tokens in 'hello world'), from {folder}")


def _sandbox() -> Iterator[Fact]:
    try:
        facts = _tried()
    except SandboxError as error:
        yield Fact("fails", str(error), error)
        return
    yield Fact("level", level_of(facts.walls) or "less than process")
    missing = {name: why for name, _, why in (each.partition(": ") for each in facts.walls_missing)}
    for name, meaning in _LAYERS.items():
        if name in facts.walls:
            yield Fact(name, meaning)
        elif name in missing:
            yield Fact(name, f"not here: {missing[name]}")
    yield _reader("PDF reader", PdfReader())
    yield _reader("office reader", OfficeReader())


def _reader(name: str, reader: PdfReader | OfficeReader) -> Fact:
    try:
        walls = reader.start()
    except Unloadable as missing:
        return Fact(name, f"office files: {missing.reason} (pip install 'rlm-cli[office]')")
    except RlmError as error:
        return Fact(name, "; ".join(["fails: " + str(error), *([error.hint] if error.hint else [])]))
    finally:
        reader.close()
    level = level_of(walls.standing) or "less than process"
    return Fact(name, "; ".join([level, *(f"not here: {each}" for each in walls.missing)]))


def _tried() -> ReplFacts:
    """Run code in a sandbox and return what is in force around it. Raises SandboxError."""
    writer = ContextWriter(several=False)
    writer.add("checkup.txt", [b"checkup"])
    context = writer.finish(["checkup.txt"], [], 1)
    try:
        repl = open_repl(context, Limits())
        try:
            repl.send(Cell(1, ("print(context)",)))
            came = repl.receive(30.0)
            if not isinstance(came, CellFinished) or came.output != "checkup\n":
                raise SandboxError("code ran in the sandbox, and did not print what it should")
            return repl.facts
        finally:
            repl.close()
    finally:
        context.close()


def _servers(specs: list[ModelSpec]) -> Iterator[Fact]:
    yield _server("Ollama", ollama_address(), "/api/tags")
    others = {spec.api_base: spec for spec in specs if is_loopback(spec.api_base)}
    for address, spec in others.items():
        if address is not None and provider_of(spec.model) not in OLLAMA:
            yield _server(provider_of(spec.model), address, "/models")


def _server(name: str, address: str, path: str) -> Fact:
    models = offered(address.rstrip("/") + path)
    if models is None:
        return Fact(name, f"does not answer at {shown_address(address)}")
    more = f" and {len(models) - _SHOWN_MODELS} more" if len(models) > _SHOWN_MODELS else ""
    return Fact(name, f"answers at {shown_address(address)}: {', '.join(models[:_SHOWN_MODELS]) or 'no models'}{more}")


def _files() -> Iterator[Fact]:
    yield Fact("settings", _shown(user_folder()))
    yield Fact("profiles", _shown(user_folder() / "profiles"))
    yield Fact("recorded runs", _recorded())
    yield Fact("cache", _shown(cache_folder()))


def _recorded() -> str:
    try:
        ids = run_ids()
    except InputError as error:
        return str(error)
    if not ids:
        return _shown(runs_folder())
    return f"{runs_folder()} ({counted(len(ids), 'run')}, {sum(map(size, ids)) / 1e6:.1f} MB)"


def _shown(folder: Path) -> str:
    try:
        sizes = [path.stat().st_size for path in folder.iterdir() if path.is_file()]
    except FileNotFoundError:
        return f"{folder} (not there yet)"
    except OSError as error:
        return f"{folder} (cannot be read: {error.strerror})"
    return f"{folder} ({len(sizes):,} file{'s' * (len(sizes) != 1)}, {sum(sizes) / 1e6:.1f} MB)"
