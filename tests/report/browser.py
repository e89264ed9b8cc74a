"""A page in headless Chromium, spoken to in its DevTools protocol through a pipe."""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (
        path
        for name in ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
        if (path := shutil.which(name))
    ),
    None,
)
SECONDS = 300  # of waiting: a busy machine, not a slow page, takes minutes


class Browser:
    """One tab of a headless browser; `messages` are its errors and warnings.

    No package is needed: ``--remote-debugging-pipe`` reads commands from descriptor 3 and
    writes answers to 4, each a JSON text that ends with a zero byte.
    """

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix='browser')
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def connect() -> None:
            # dup away first: a pipe's end may itself be 3 or 4
            ends = os.dup(to_browser), os.dup(from_browser)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [
                str(CHROMIUM),
                *('--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run'),
                *('--remote-debugging-pipe', '--hide-scrollbars'),
                f'--user-data-dir={self.folder}',
                'about:blank',
            ],
            preexec_fn=connect,
            close_fds=False,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer, self._number, self._session = b'', 0, None
        self.messages: list[str] = []
        targets = self.call('Target.getTargets')['targetInfos']
        page = next(t['targetId'] for t in targets if t['type'] == 'page')
        self._session = self.call('Target.attachToTarget', targetId=page, flatten=True)[
            'sessionId'
        ]
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        message = dict(id=self._number, method=method, params=params)
        if self._session is not None:
            message['sessionId'] = self._session
        os.write(self._write, json.dumps(message).encode() + b'\0')
        end = time.monotonic() + SECONDS
        while True:
            answer = self._receive(end)
            if answer.get('id') == self._number:
                if 'error' in answer:
                    raise RuntimeError(f'{method}: {answer["error"]}')
                return answer['result']

    def open(self, path: Path, width: int, height: int = 900) -> None:
        """Load a file at this width and wait until its scripts have run."""
        self.call(
            'Emulation.setDeviceMetricsOverride',
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.call('Page.navigate', url=path.resolve().as_uri())
        end = time.monotonic() + SECONDS
        while self.evaluate('document.readyState') != 'complete':
            assert time.monotonic() < end, f'{path} does not load'
            time.sleep(0.05)

    def evaluate(self, expression: str) -> Any:
        """JavaScript -> its value."""
        result = self.call(
            'Runtime.evaluate', expression=expression, returnByValue=True
        )
        assert 'exceptionDetails' not in result, result['exceptionDetails']
        return result['result'].get('value')

    def take_screenshot(self, path: Path, whole: bool = False) -> None:
        data = self.call('Page.captureScreenshot', captureBeyondViewport=whole)['data']
        path.write_bytes(base64.b64decode(data))

    def print_pdf(self, path: Path) -> None:
        data = self.call('Page.printToPDF', printBackground=True)['data']
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        for descriptor in (self._write, self._read):
            os.close(descriptor)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _receive(self, end: float) -> dict[str, Any]:
        while b'\0' not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], end - time.monotonic())
            assert ready, 'the browser does not answer'
            part = os.read(self._read, 1 << 20)
            assert part, 'the browser has ended'
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b'\0')
        event = json.loads(message)
        self._note(event.get('method', ''), event.get('params', {}))
        return event

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == 'Runtime.exceptionThrown':
            self.messages.append(str(params['exceptionDetails']))
        elif method == 'Log.entryAdded':
            self.messages.append(params['entry']['text'])
        elif method == 'Runtime.consoleAPICalled' and params['type'] != 'log':
            self.messages.append(str(params['args']))
        elif method == 'Network.requestWillBeSent':
            address = params['request']['url']
            if not address.startswith(('file:', 'data:', 'blob:')):
                self.messages.append(f'request to {address}')
