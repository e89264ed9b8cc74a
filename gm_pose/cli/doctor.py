"""`gm_pose doctor`: one line for each check of the environment."""

import argparse

EXAMPLE = """example:
  gm_pose doctor"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes none."""


def run(args: argparse.Namespace) -> int:
    """Print a line for each check; 1 if training would fail, else 0."""
    import platform
    import sys

    from gm_pose.runs.count_words import count_words
    from gm_pose.runs.doctor.diagnose import diagnose
    from gm_pose.runs.doctor.diagnosis import FAULT, WARNING
    from gm_pose.version import __version__

    print(f'gm_pose {__version__}, {sys.executable}, {platform.platform()}')
    counts = {FAULT: 0, WARNING: 0}
    for name, diagnosis in diagnose():
        print(diagnosis.format(name), flush=True)
        if diagnosis.state in counts:
            counts[diagnosis.state] += 1
    faults = count_words(counts[FAULT], 'fault')
    print(f'{faults}, {count_words(counts[WARNING], "warning")}')
    return 1 if counts[FAULT] else 0
