"""``python -m gm_pose COMMAND``: the package's command line.

A command is a module of `gm_pose.cli` whose docstring's first line is its help, with
``add_arguments(parser)`` and ``run(args) -> exit status``; a ValueError is printed as one
sentence. To add one, name it in COMMANDS. Only the module of the command asked for is
imported: `doctor` has to run where the others cannot be.
"""

import argparse
import sys
from importlib import import_module

from gm_pose.version import __version__

# command -> module
COMMANDS = {
    'check-data': 'gm_pose.cli.check_data',
    'doctor': 'gm_pose.cli.doctor',
    'estimate-sigmas': 'gm_pose.cli.estimate_sigmas',
    'replay-loss': 'gm_pose.cli.replay_loss',
}


def build_parser(asked: str | None = None) -> argparse.ArgumentParser:
    """The parser of one command, or of all of them if `asked` is none."""
    parser = argparse.ArgumentParser(prog='python -m gm_pose')
    parser.add_argument('--version', action='version', version=__version__)
    commands = parser.add_subparsers(dest='command', required=True)
    chosen = {asked: COMMANDS[asked]} if asked in COMMANDS else COMMANDS
    for name, module_name in chosen.items():
        module = import_module(module_name)
        summary = (module.__doc__ or '').split('\n')[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    args = build_parser(words[0] if words else None).parse_args(words)
    try:
        return args.run(args)
    except ValueError as error:
        print(f'gm_pose {args.command}: {error}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
