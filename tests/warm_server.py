"""Forks a process that has imported everything once, for each command of `warm_python.py`.

    python warm_server.py ADDRESS EXECUTABLE MODULE ...

Listens at the Unix socket ADDRESS after importing the modules, and ends with its stdin. A
command gets its own arguments, folder, environment, standard streams and process group, and
`sys.executable` is EXECUTABLE, so that what it starts is forked here, too. Its exit code or
signal goes back to the client; when the client is killed, so is the command's group.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import random
import runpy
import select
import signal
import socket
import sys
import threading
import types

HEADER_BYTES = 8
# Where installed packages are: without this file's folder and what PYTHONPATH adds.
NAMED = os.environ.get('PYTHONPATH', '').split(os.pathsep)
INSTALLED = [path for path in sys.path[1:] if path not in NAMED]


def serve(address: str, executable: str, modules: list[str]) -> None:
    sys.executable = executable  # some modules keep it
    for name in modules:
        importlib.import_module(name)
    gc.freeze()  # what was imported stays in pages that all share
    server = socket.socket(socket.AF_UNIX)
    server.bind(f'{address}.new')
    server.listen()
    os.rename(f'{address}.new', address)  # it exists: it can be called
    while True:
        ready, _, _ = select.select([server, sys.stdin], [], [], 1)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if sys.stdin in ready:
            return
        if server in ready:
            link, _ = server.accept()
            if os.fork() == 0:
                server.close()
                try:
                    attend(link)
                finally:
                    os._exit(0)
            link.close()


def attend(link: socket.socket) -> None:
    """Run the command of one client, and tell it the process and how it ended."""
    header, streams, _, _ = socket.recv_fds(link, HEADER_BYTES, 3)
    size, content = int.from_bytes(header, 'big'), b''
    while len(content) < size:
        content += link.recv(size - len(content))
    words, folder, environment = json.loads(content)
    pid = os.fork()
    if pid == 0:
        link.close()
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os._exit(run(words, folder, environment))
    for stream in streams:
        os.close(stream)
    link.sendall(b'%d\n' % pid)
    child = os.pidfd_open(pid)
    ready, _, _ = select.select([child, link], [], [])
    if child not in ready:  # the client is gone
        for kill in (os.kill, os.killpg):
            with contextlib.suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):
        link.sendall(b'%d\n' % status)


def run(words: list[str], folder: str, environment: dict[str, str]) -> int:
    """Do what `python *words` does in a folder and an environment -> its exit code."""
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, 'w', closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, 'w', buffering=1, errors='backslashreplace', closefd=False
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    named = environment.get('PYTHONPATH', '')
    sys.path[:] = [*filter(None, named.split(os.pathsep)), *INSTALLED]
    random.seed()
    if 'numpy' in sys.modules:  # a new process draws anew
        sys.modules['numpy'].random.seed()
    while words[0] == '-u':
        sys.stdout.reconfigure(write_through=True)
        words = words[1:]
    try:
        start(words)
        code = 0
    except SystemExit as end:
        code = end.code
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    return code or 0


def start(words: list[str]) -> None:
    if words[0] == '-m':
        sys.argv = words[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(words[1], run_name='__main__', alter_sys=True)
    elif words[0] == '-c':
        sys.argv = ['-c', *words[2:]]
        sys.path.insert(0, '')
        sys.modules['__main__'] = types.ModuleType('__main__')
        exec(compile(words[1], '<string>', 'exec'), vars(sys.modules['__main__']))
    else:
        sys.argv = words
        sys.path.insert(0, os.path.dirname(os.path.abspath(words[0])))
        runpy.run_path(words[0], run_name='__main__')


if __name__ == '__main__':
    serve(sys.argv[1], sys.argv[2], sys.argv[3:])
