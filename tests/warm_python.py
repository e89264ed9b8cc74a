"""An executable that takes `python`'s arguments and has imported everything already.

A new interpreter spends seconds on importing PyTorch and MMPose before a test's own half
second. `start_warm_python` imports once; each call of the executable is a fork of that.
Tests of what happens at start or at import use `sys.executable`, or import no more than
`OTHERS` before.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

# What takes most of the time, and is neither ours nor touched by gm_pose.runs.host.
OTHERS = (
    'torch',
    'torch._dynamo',
    'torch.distributed.fsdp',
    'scipy.io',
    'scipy.stats',
    'matplotlib.pyplot',
    'mpl_toolkits.mplot3d',
    'rich.progress',
    'cv2',
    'yapf',
)
SERVER = Path(__file__).with_name('warm_server.py')
# Starts in 20 ms: no site packages. It waits as long as the command lives, passes signals
# on, and ends as the command did.
CLIENT = """#!{python} -IS
import json, os, signal, socket, sys

passed_on = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)  # until it is known whom to tell
link = socket.socket(socket.AF_UNIX)
link.connect({address!r})
request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(link, [len(request).to_bytes(8, 'big')], [0, 1, 2])
link.sendall(request)
told = link.makefile()
pid = int(told.readline())
for number in passed_on:
    signal.signal(number, lambda number, frame: os.kill(pid, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
code = os.waitstatus_to_exitcode(int(told.readline()))
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@contextlib.contextmanager
def start_warm_python(
    modules: Sequence[str],
    python: str = sys.executable,
    env: dict[str, str] | None = None,
    timeout: float = 300,
) -> Iterator[Path]:
    """Import `modules` with an interpreter -> the executable that forks it.

    It is named `python`, and may stand first on a PATH.
    """
    folder = Path(tempfile.mkdtemp())  # an address has at most 107 characters
    address, client = folder / 'socket', folder / 'python'
    client.write_text(CLIENT.format(python=sys.executable, address=str(address)))
    client.chmod(0o755)
    command = [python, str(SERVER), str(address), str(client), *modules]
    env = dict(os.environ if env is None else env, OMP_NUM_THREADS='1')
    server = subprocess.Popen(command, stdin=subprocess.PIPE, env=env, cwd=folder)
    try:
        end = time.monotonic() + timeout
        while not address.exists():
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f'{" ".join(command)} did not start')
            time.sleep(0.05)
        yield client
    finally:
        server.stdin.close()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:  # it still imports
            server.kill()
            server.wait()
        shutil.rmtree(folder)
