"""How a run was started, for its log: the command, and the code's commit."""

import shlex
import subprocess
import sys
from pathlib import Path

from gm_pose.version import __version__

__all__ = ['describe_code', 'describe_command', 'list_start_records']

_SECONDS = 10  # git on a slow network file system


def list_start_records() -> list[str]:
    """Lines for the log; `gm_pose report` finds them there."""
    return [f'Command: {describe_command()}', f'Code: {describe_code()}']


def describe_command() -> str:
    """The command line of this process, as a shell takes it."""
    return shlex.join([Path(sys.argv[0]).name or 'python', *sys.argv[1:]])


def describe_code(folder: str | None = None) -> str:
    """Version of gm_pose, and the commit of the folder (default: the current one).

    Example: 'gm_pose 0.2.0, commit 1a2b3c4d5e6f with changes'.
    """
    text = f'gm_pose {__version__}'
    commit = _ask_git(folder, 'rev-parse', '--short=12', 'HEAD')
    if commit:
        changed = _ask_git(folder, 'status', '--porcelain', '--untracked-files=no')
        text += f', commit {commit}{" with changes" if changed else ""}'
    return text


def _ask_git(folder: str | None, *words: str) -> str:
    """What git prints; '' where there is no git, or no repository."""
    try:
        done = subprocess.run(
            ['git', *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return done.stdout.strip() if done.returncode == 0 else ''
