"""Checks of the environment. Top-level imports are the standard library's alone, so that
they run where nothing else does."""

from gm_pose.runs.doctor.diagnosis import Diagnosis, diagnose

__all__ = ['Diagnosis', 'diagnose']
