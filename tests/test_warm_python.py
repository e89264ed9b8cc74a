"""The executable that forks behaves as `python` does where tests rely on it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from warm_python import start_warm_python


@pytest.fixture(scope='module')
def python():
    with start_warm_python(['fractions']) as path:
        yield path


TELL = """
import fractions, os, sys
print(sys.argv[1:], os.getcwd(), os.environ['KEY'], sys.stdin.read(), sys.executable)
print(sys.path[0], 'a library' if 'PYTHONPATH' in os.environ else '', file=sys.stderr)
sys.exit(3)
"""


@pytest.mark.parametrize('how', ['-c', 'script', '-m'])
def test_command_ends_as_with_python(how, python, tmp_path):
    (tmp_path / 'tell.py').write_text(TELL)
    words = {'-c': ['-c', TELL], 'script': ['tell.py'], '-m': ['-m', 'tell']}[how]
    ended = []
    for executable in (python, sys.executable):
        result = subprocess.run(
            [str(executable), *words, 'a', 'b c'],
            input='in',
            cwd=tmp_path,
            env=dict(os.environ, KEY='value'),
            capture_output=True,
            text=True,
        )
        output = result.stdout.replace(str(executable), 'python')
        ended.append((result.returncode, output, result.stderr))
    assert ended[0] == ended[1]
    assert ended[0][0] == 3
    assert 'value in python' in ended[0][1]


def test_error_is_a_traceback_and_1(python):
    ended = subprocess.run(
        [python, '-c', 'raise ValueError("why")'], capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith('Traceback')
    assert ended.stderr.endswith('ValueError: why\n')


def test_own_children_are_forked_too(python):
    code = 'import subprocess, sys; subprocess.run([sys.executable, "-c", {!r}])'
    inner = 'import sys; print("fractions" in sys.modules)'
    ended = subprocess.run(
        [python, '-c', code.format(inner)], capture_output=True, text=True
    )
    assert ended.stdout == 'True\n', ended.stderr


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


FAMILY = """
import os, subprocess, time
child = subprocess.Popen(['sleep', '60'])
print(os.getpid(), child.pid, flush=True)
time.sleep(60)
"""


def test_killing_its_group_kills_the_command_and_its_children(python):
    process = subprocess.Popen(
        [python, '-c', FAMILY], stdout=subprocess.PIPE, start_new_session=True
    )
    pids = [int(word) for word in process.stdout.readline().split()]
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    end = time.monotonic() + 20
    while any(map(is_alive, pids)) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(map(is_alive, pids))


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL])
def test_signal_of_the_command_is_told(number, python):
    code = f'import os; os.kill(os.getpid(), {int(number)})'
    assert subprocess.run([python, '-c', code]).returncode == -number


def test_sigterm_is_passed_on(python):
    code = (
        'import signal, sys, time\n'
        'signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n'
        'print("ready", flush=True)\ntime.sleep(60)'
    )
    process = subprocess.Popen([python, '-c', code], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.terminate()
    assert process.wait() == 7
