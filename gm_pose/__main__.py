"""``python -m gm_pose COMMAND``: the console script where it is not on the PATH."""

import sys

from gm_pose.cli import build_parser, main

__all__ = ['build_parser', 'main']

if __name__ == '__main__':
    sys.exit(main())
