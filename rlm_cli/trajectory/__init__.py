"""Recorded runs."""

from rlm_cli.trajectory.reader import Record, find_run, is_cut_off, look_up, read_run, run_ids
from rlm_cli.trajectory.recorder import Recorder, runs_folder

__all__ = ["Record", "Recorder", "find_run", "is_cut_off", "look_up", "read_run", "run_ids", "runs_folder"]
