"""`rlm cache`: what is kept of earlier runs' replies, and how to be rid of it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from rlm_cli.cli.failures import reports_failures, say
from rlm_cli.cli.help import GroupedCommand, with_examples

_DAY = 86_400
_MOST_DAYS = 36_500

cache = typer.Typer(
    help="Show or clear the replies that are kept for later runs.",
    short_help="Show or clear the replies kept for later runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@cache.callback()
def main() -> None:
    """Replies of sub-calls are kept in the user's cache folder, unless --no-cache is given."""


@cache.command(
    cls=GroupedCommand,
    short_help="Show where the cache is and what it holds.",
    epilog=with_examples("rlm cache info"),
)
@reports_failures
def info() -> None:
    """Show where the cache is, how many replies it holds, its size, and what it has saved."""
    from rlm_cli.amounts import cost, counted
    from rlm_cli.llm.cache_place import ASIDE, CAP
    from rlm_cli.safe_text import safe_line

    with _looking() as path:
        from rlm_cli.llm.cache_upkeep import look

        found = look(path)
    if found is None:
        say(f"no cache yet: {path}")
        return
    used = counted(found.served, "time")
    if found.served > found.unpriced:
        used += f", {cost(found.saved_usd)} saved: what those replies had cost"
    if found.unpriced:
        used += f" ({found.unpriced:,} at an unknown price)"
    rows = [
        ("file", str(path)),
        ("replies", f"{found.replies:,}"),
        ("size", f"{found.size / 1e6:,.1f} MB of at most about {CAP / 1e6:,.0f} MB"),
        ("oldest", _when(found.oldest) if found.oldest is not None else "none"),
        ("begun", _when(found.since)),
        ("used", used),
    ]
    if found.aside:
        rows.append(("put aside", f"{path.name}{ASIDE}, {found.aside / 1e6:,.1f} MB: it was damaged"))
    sys.stdout.write("".join(f"{name:<10} {safe_line(value)}\n" for name, value in rows))
    sys.stdout.flush()


@cache.command(
    cls=GroupedCommand,
    short_help="Remove kept replies.",
    epilog=with_examples("rlm cache clear", "rlm cache clear --older-than 30"),
)
@reports_failures
def clear(
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than", metavar="DAYS", min=0, max=_MOST_DAYS, help="Only what was stored longer ago than that."
        ),
    ] = None,
) -> None:
    """Remove all replies that are kept, or the old ones. Later runs pay for them again."""
    with _looking() as path:
        from rlm_cli.llm.cache_upkeep import clear as cleared

        removed = cleared(path, older_than * _DAY if older_than is not None else None)
    if removed is None:
        say(f"no cache yet: {path}")
    elif removed < 0:
        sys.stdout.write("removed the cache, which could not be read\n")
    else:
        sys.stdout.write(f"removed {removed:,} {'reply' if removed == 1 else 'replies'}\n")
    sys.stdout.flush()


@contextmanager
def _looking() -> Iterator[Path]:
    """Give the cache's path, and say what stands in the way to it."""
    from rlm_cli.errors import InputError
    from rlm_cli.llm.cache_place import CacheFailed, cache_path

    path = cache_path()
    try:
        yield path
    except ImportError as missing:
        raise InputError(f"the cache needs SQLite, which this Python was built without: {missing}") from missing
    except CacheFailed as failed:
        hint = "try again later" if failed.busy else "rlm cache clear removes it"
        raise InputError(f"the cache {path} cannot be used: {failed}", hint) from failed
    except OSError as error:
        raise InputError(f"the cache {path} cannot be used: {error.strerror}") from error


def _when(moment: float) -> str:
    """Return a day, and how long ago that is; a clock may have gone back since."""
    days = int((time.time() - moment) // _DAY)
    ago = f" ({days:,} day{'s' * (days != 1)} ago)" if days > 0 else ""
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}{ago}"
    except (ValueError, OverflowError, OSError):
        return "at a time that no calendar has"
