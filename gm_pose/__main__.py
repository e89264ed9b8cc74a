"""``python -m gm_pose COMMAND``: the package's command line.

A command is a module of `gm_pose.commands` whose docstring's first line is its help, with
``add_arguments(parser)`` and ``run(args) -> exit status``; a ValueError is printed as one
sentence. To add one, name it in COMMANDS.
"""

import argparse
import sys
from importlib import import_module

from gm_pose.version import __version__

# command -> module
COMMANDS = {
    'estimate-sigmas': 'gm_pose.commands.estimate_sigmas',
}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m gm_pose')
    parser.add_argument('--version', action='version', version=__version__)
    commands = parser.add_subparsers(dest='command', required=True)
    for name, module_name in COMMANDS.items():
        module = import_module(module_name)
        summary = (module.__doc__ or '').split('\n')[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        return args.run(args)
    except ValueError as error:
        print(f'gm_pose {args.command}: {error}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
