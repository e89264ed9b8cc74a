"""Libraries that only the page needs."""

from importlib.util import find_spec

from gm_pose.runs.user_errors import UserError

__all__ = ['check_libraries']

LIBRARIES = ('jinja2', 'plotly')


def check_libraries() -> None:
    """Raise UserError, with the command that installs them, if one is missing."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise UserError(
            f'the report needs {" and ".join(missing)}, which the package does not install '
            "by itself. Fix: pip install 'gm_pose[report]'"
        )
