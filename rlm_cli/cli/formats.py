"""What `-f` asks for: which reports, and where each goes."""

from collections.abc import Sequence
from dataclasses import dataclass

from rlm_cli.cli.options import Format
from rlm_cli.errors import UsageError

_OF_FINDINGS = (Format.SARIF, Format.GITLAB, Format.JUNIT, Format.GITHUB)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One report."""

    format: str
    """A name of `reports.FORMATS`."""
    file: str | None
    """None: it goes to stdout."""
    option: str
    """What the user wrote for it, to be named in a message."""

    @property
    def is_of_findings(self) -> bool:
        """It holds findings and no answer, and whoever reads it takes an empty one for a clean bill."""
        return self.format in _OF_FINDINGS


def wanted_reports(named: Sequence[str], output: str | None) -> tuple[Wanted, ...]:
    """Return what `-f NAME[=FILE]`, given any number of times, and `-o FILE` ask for.

    At most one report is without a file of its own: it goes to `output`, else to stdout. Raises UsageError.
    """
    wanted = [_wanted(each) for each in named] or [Wanted(Format.TEXT.value, None, "-f text")]
    bare = [each for each in wanted if each.file is None]
    if len(bare) > 1:
        both = " and ".join(each.format for each in bare)
        raise UsageError(f"{both} cannot both go to {output or 'stdout'}", f"as in -f {bare[1].format}=FILE")
    if output is not None:
        if not bare:
            raise UsageError(f"-o {output}: every report has a file already", "leave -o out, or one =FILE")
        wanted[wanted.index(bare[0])] = Wanted(bare[0].format, output, "-o")
    files = [each.file for each in wanted if each.file is not None]
    if twice := next((file for file in files if files.count(file) > 1), None):
        raise UsageError(f"two reports cannot both go to {twice}", "give each a file of its own")
    return tuple(wanted)


def _wanted(named: str) -> Wanted:
    name, has_file, file = named.partition("=")
    known = [each.value for each in Format]
    if name not in known:
        there = f"there are {', '.join(known[:-1])} and {known[-1]}"
        raise UsageError(f"-f {named}: there is no format {name!r}", there)
    if has_file and not file:
        raise UsageError(f"-f {named}: no file is named", f"as in -f {name}=FILE")
    return Wanted(name, file or None, f"-f {name}")
