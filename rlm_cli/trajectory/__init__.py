"""Recorded runs."""

from rlm_cli.trajectory.recorder import Recorder, runs_folder

__all__ = ["Recorder", "runs_folder"]
