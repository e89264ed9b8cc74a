"""Make a virtual environment with everything gm_pose needs, or bring one up to date.

Uses the standard library alone; any Python 3 runs it far enough to print what is missing.
Finished steps are skipped: hashes of the requirement files and of the package's sources
are kept in stamp files inside the environment.

Example:
    python3 tools/setup_env.py --venv .venv --requirements requirements/stack.txt
"""

from __future__ import print_function

import argparse
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIN_PYTHON = (3, 10)
MAX_PYTHON = (3, 13)
NEEDED_GB = 9  # PyTorch's default Linux build with its CUDA libraries takes 5.5 GB
PACKAGE_SOURCES = (
    'gm_pose',
    'configs',
    'tools',
    'pyproject.toml',
    'setup.py',
    'model-index.yml',
)


def exit_with_error(text):
    """Print one line and exit with code 1."""
    sys.stderr.write('setup: ' + text + '\n')
    sys.exit(1)


def log(text):
    print('setup: ' + text)
    sys.stdout.flush()


def check_python():
    """Exit unless the pinned packages have wheels for this Python."""
    found = '.'.join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < MIN_PYTHON or sys.version_info[:2] > MAX_PYTHON:
        exit_with_error(
            'Python is %s (%s); expected %d.%d to %d.%d. Fix: name another one, for '
            'example `make demo PYTHON=python3.11`'
            % ((found, sys.executable) + MIN_PYTHON + MAX_PYTHON)
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        exit_with_error(
            '%s has no %s module (on Debian and Ubuntu: apt-get install python3-venv)'
            % (sys.executable, error.name)
        )


def check_disk():
    """Exit if the disk has no room for the environment."""
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < NEEDED_GB:
        exit_with_error(
            '%s has %.1f GB free; expected %d. Fix: free some, or clone to another disk'
            % (ROOT, free_gb, NEEDED_GB)
        )


def iter_files(path):
    if os.path.isfile(path):
        yield path
    for folder, folders, names in os.walk(path):
        # build/ and *.egg-info are what an earlier build left.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(('.', '__pycache__', 'build'))
            and not name.endswith('.egg-info')
        )
        for name in sorted(names):
            yield os.path.join(folder, name)


def hash_files(paths):
    """SHA-256 over names and contents of all files in `paths` -> hex digest."""
    digest = hashlib.sha256()
    for path in paths:
        for name in iter_files(os.path.join(ROOT, path)):
            digest.update(os.path.relpath(name, ROOT).encode() + b'\0')
            with open(name, 'rb') as file:
                digest.update(file.read())
    return digest.hexdigest()


def read_stamp(path):
    if not os.path.isfile(path):
        return None
    with open(path) as file:
        return file.read().strip()


def write_stamp(path, text):
    with open(path, 'w') as file:
        file.write(text + '\n')


def run(command, what):
    """Run a command with its output shown; exit with one line if it fails."""
    code = subprocess.call(command, cwd=ROOT)
    if code != 0:
        exit_with_error('%s failed with code %d: %s' % (what, code, ' '.join(command)))


def find_stamps(venv_dir):
    """Names of the stamp files that this script left in an environment."""
    names = os.listdir(venv_dir) if os.path.isdir(venv_dir) else []
    return [name for name in names if name.startswith('.gm_pose-')]


def ask_version(python):
    """'3.11' of an interpreter that has pip, or None of one that is broken."""
    code = 'import sys, pip; print("%d.%d" % sys.version_info[:2])'
    try:
        return subprocess.check_output([python, '-c', code]).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def make_venv(venv_dir):
    """Create the environment, anew if ours belongs to another Python version."""
    python = os.path.join(venv_dir, 'bin', 'python')
    expected = '%d.%d' % sys.version_info[:2]
    if os.path.exists(python):
        found = ask_version(python)
        if found == expected:
            return python
        what = 'is for Python %s' % found if found else 'was left half made'
        if not find_stamps(venv_dir):
            exit_with_error(
                '%s %s, and this script did not make it: remove it, or name another '
                'folder with VENV=...' % (venv_dir, what)
            )
        log('%s %s: making it anew' % (venv_dir, what))
        shutil.rmtree(venv_dir)
    elif os.path.exists(venv_dir) and os.listdir(venv_dir):
        exit_with_error('%s is not a virtual environment. Fix: move it away' % venv_dir)
    check_disk()
    log('making a virtual environment in %s (Python %s)' % (venv_dir, expected))
    os.makedirs(venv_dir, exist_ok=True)
    write_stamp(os.path.join(venv_dir, '.gm_pose-begun'), expected)
    run([sys.executable, '-m', 'venv', venv_dir], 'making the environment')
    return python


def install(python, venv_dir, requirements):
    """Install requirement files, then the package itself; skip what is up to date."""
    # One stamp for each set, so that the demo's set and the tests' can alternate.
    names = [os.path.splitext(os.path.basename(name))[0] for name in requirements]
    stamp = os.path.join(venv_dir, '.gm_pose-%s' % '-'.join(names))
    digest = hash_files(list(requirements) + ['requirements/placeholders'])
    # Python compiles what is imported; all 22,600 files would take 95 s and 450 MB.
    pip = [python, '-m', 'pip', 'install', '--disable-pip-version-check']
    pip += ['--no-compile']
    if read_stamp(stamp) == digest:
        log('%s: installed already' % ', '.join(requirements))
    else:
        log('installing %s (5.5 GB, some minutes)' % ', '.join(requirements))
        command = pip + ['--progress-bar', 'on', '--prefer-binary']
        for name in requirements:
            command += ['-r', name]
        run(command, 'installing')
        write_stamp(stamp, digest)
        for path in requirements:
            # What the tests need includes what the demo needs.
            name = os.path.splitext(os.path.basename(path))[0]
            alone = os.path.join(venv_dir, '.gm_pose-%s' % name)
            write_stamp(alone, hash_files([path, 'requirements/placeholders']))

    stamp = os.path.join(venv_dir, '.gm_pose-package')
    digest = hash_files(PACKAGE_SOURCES)
    if read_stamp(stamp) == digest:
        log('gm_pose: installed already')
    else:
        log('installing gm_pose')
        # The environment's own pinned setuptools builds it: nothing to download.
        command = ['--quiet', '--no-deps', '--no-build-isolation', '--force-reinstall']
        run(pip + command + ['.'], 'installing gm_pose')
        write_stamp(stamp, digest)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--venv', default='.venv', help='folder of the environment')
    parser.add_argument(
        '--requirements',
        nargs='+',
        default=['requirements/stack.txt'],
        help='requirement files to install',
    )
    args = parser.parse_args()
    for name in args.requirements:
        if not os.path.isfile(os.path.join(ROOT, name)):
            exit_with_error('requirement file %s does not exist in %s' % (name, ROOT))
    check_python()
    venv_dir = os.path.join(ROOT, args.venv)
    python = make_venv(venv_dir)
    install(python, venv_dir, args.requirements)


if __name__ == '__main__':
    main()
