"""Recorded runs: a folder each, written as the run goes on, read to show it, resume it, export it or remove it."""

from rlm_cli.trajectory.beginning import Beginning, fingerprint, read_beginning
from rlm_cli.trajectory.folders import run_folder, run_ids, runs_folder
from rlm_cli.trajectory.journal import FileJournal, Recording
from rlm_cli.trajectory.keeping import export, older_than, remove, size, tidy
from rlm_cli.trajectory.past import Past
from rlm_cli.trajectory.reader import Record, find_run, is_cut_off, look_up, read_run
from rlm_cli.trajectory.recorder import Recorder

__all__ = [
    "Beginning",
    "FileJournal",
    "Past",
    "Record",
    "Recorder",
    "Recording",
    "export",
    "find_run",
    "fingerprint",
    "is_cut_off",
    "look_up",
    "older_than",
    "read_beginning",
    "read_run",
    "remove",
    "run_folder",
    "run_ids",
    "runs_folder",
    "size",
    "tidy",
]
