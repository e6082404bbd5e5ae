"""SARIF logs for a validator: findings of all kinds, hostile ones, none, and those of a run that was not complete.

`PYTHONPATH=tests python -m support.sarif_logs FOLDER` writes them there.
"""

import sys
import tempfile
from pathlib import Path

from support.findings import HOSTILE, by_hand, found, loaded, nothing_found, partial, reporting

from rlm_cli.reports import render


def write_logs(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as inputs:
        context = loaded(Path(inputs))
        hostile = found(context, "app/db.py", "db.close()", title=HOSTILE, message=HOSTILE * 100, reason=HOSTILE)
        reports = {
            "all": by_hand(context),
            "none": nothing_found(context),
            "partial": partial(by_hand(context)),
            "hostile": reporting(context, hostile, warnings=(HOSTILE,)),
        }
        for name, report in reports.items():
            (folder / f"{name}.sarif").write_text(render("sarif", report))


if __name__ == "__main__":
    write_logs(Path(sys.argv[1]))
