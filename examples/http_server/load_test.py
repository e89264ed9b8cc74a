"""Load a server of its own on the loopback: answers, times and memory.

Starts `app.py` with the model, sends REQUESTS images over CLIENTS connections, every
tenth of them broken, and reads the server's memory (Linux) as it goes.

Usage: python load_test.py model.onnx [--requests 500] [--clients 8]
"""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import httpx
import numpy as np

BROKEN_EVERY = 10


def make_body(number: int) -> tuple[bytes, int]:
    """A JPEG of another size for each number, and the status that it must get."""
    rng = np.random.default_rng(number)
    h, w = rng.integers(120, 720, 2)
    coarse = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (int(w), int(h)), interpolation=cv2.INTER_CUBIC)
    body = cv2.imencode('.jpg', image)[1].tobytes()
    if number % BROKEN_EVERY == BROKEN_EVERY - 1:
        return body[: len(body) // 2], 422
    return body, 200


@contextlib.contextmanager
def run_server(model: str) -> Iterator[tuple[str, int]]:
    """Start the server -> its address, its process id."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    command = [sys.executable, '-m', 'uvicorn', 'app:app', '--port', str(port)]
    process = subprocess.Popen(
        [*command, '--log-level', 'warning'],
        cwd=Path(__file__).parent,
        env={**os.environ, 'MODEL': str(Path(model).resolve())},
    )
    address = f'http://127.0.0.1:{port}'
    try:
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f'{address}/docs', timeout=5)
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit('the server did not start')
            time.sleep(0.2)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(30)


def read_memory(pid: int) -> float:
    """MB that a process holds."""
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmRSS'):
            return int(line.split()[1]) / 1e3
    raise SystemExit('no VmRSS in /proc: the load test runs on Linux')


def load(model: str, requests: int, clients: int) -> int:
    """Send them all -> exit status."""
    outcomes: Counter[str] = Counter()
    memory, seconds = [], []
    headers = {'Content-Type': 'image/jpeg'}
    with run_server(model) as (address, pid), httpx.Client(timeout=300) as client:

        def send(number: int) -> None:
            body, expected = make_body(number)
            start = time.perf_counter()
            try:
                answer = client.post(f'{address}/poses', content=body, headers=headers)
            except httpx.HTTPError as error:
                outcomes[f'lost ({type(error).__name__})'] += 1
                return
            seconds.append(time.perf_counter() - start)
            is_right = answer.status_code == expected and (
                expected != 200 or len(answer.json()) == 1
            )
            outcomes[f'{answer.status_code}' if is_right else 'wrong answer'] += 1
            if number % 50 == 0:
                memory.append(read_memory(pid))

        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(send, range(requests)))
        memory.append(read_memory(pid))
    answered = outcomes['200'] + outcomes['422']
    print(f'{requests} requests by {clients} clients: {dict(outcomes)}')
    print(f'lost or wrong: {requests - answered}')
    times = np.percentile(seconds, [50, 95, 100]).round(2)
    print(f'seconds, median / 95 % / longest: {times.tolist()}')
    print(f'memory in MB, every 50 requests: {[round(m) for m in memory]}')
    return int(answered != requests)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('model')
    parser.add_argument('--requests', type=int, default=500)
    parser.add_argument('--clients', type=int, default=8)
    arguments = parser.parse_args()
    sys.exit(load(arguments.model, arguments.requests, arguments.clients))
