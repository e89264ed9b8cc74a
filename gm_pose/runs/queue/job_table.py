"""The jobs of a queue in a SQLite file, which several processes open at once."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gm_pose.runs.queue.job import OPEN_STATES, Job, Owner, find_own_process
from gm_pose.runs.user_errors import UserError

__all__ = ['JobTable']

TAKE_OVER_SECONDS = 120.0
"""A job of another machine whose beat has not changed for so long is free again."""

_LOCK_SECONDS = 60.0
_LAYOUT = """
CREATE TABLE IF NOT EXISTS jobs (
    name TEXT PRIMARY KEY, place INTEGER NOT NULL, state TEXT NOT NULL, owner TEXT,
    beat INTEGER NOT NULL, attempts INTEGER NOT NULL, seconds REAL NOT NULL,
    note TEXT NOT NULL)
"""


class JobTable:
    """Jobs by name, each waiting, running, done, failed or stopped.

    A job is taken in a transaction, so that no two processes run it. Who runs one beats
    every few seconds. A job is free again once its process has ended, or, where that
    process is on another machine, once its beat has not changed for `TAKE_OVER_SECONDS`
    of the observer's own clock: the clocks of machines are never compared.

    SQLite's own journal is kept, not WAL: that one needs memory which machines do not
    share. The file may be on any file system with POSIX locks (NFS 4 has them).

    Args:
        path: the file; made with its folder if it does not exist.
        owner: in whose name jobs are taken; None: this process's.

    Raises:
        UserError: the file cannot be opened, or is no such table.
    """

    def __init__(self, path: str | Path, owner: Owner | None = None):
        self.path = Path(path)
        self.owner = owner or find_own_process()
        # job -> its owner and beat, and when this process saw them first
        self._seen: dict[str, tuple[tuple[str, int], float]] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self.path, timeout=_LOCK_SECONDS, isolation_level=None
            )
            self._connection.execute(_LAYOUT)
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f'{self.path} cannot be opened as a table of runs: {error}. Fix: name '
                'another folder with --work-dir'
            ) from error

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else changes the table, or enters such a block, meanwhile."""
        self._connection.execute('BEGIN IMMEDIATE')
        try:
            yield
        except BaseException:
            self._connection.execute('ROLLBACK')
            raise
        self._connection.execute('COMMIT')

    def offer(self, names: Sequence[str], again: Sequence[str] = ()) -> None:
        """Put jobs into the table, in the order in which they are to be done.

        Args:
            names: a job that is there keeps its state.
            again: states of jobs that are to be repeated.
        """
        with self.exclusive():
            for place, name in enumerate(names):
                self._connection.execute(
                    "INSERT INTO jobs VALUES (?, ?, 'waiting', NULL, 0, 0, 0, '') "
                    'ON CONFLICT(name) DO UPDATE SET place = excluded.place',
                    (name, place),
                )
                self._connection.execute(
                    "UPDATE jobs SET state = 'waiting', attempts = 0, note = '' "
                    f'WHERE name = ? AND state IN ({_marks(again)})',
                    (name, *again),
                )

    def claim(self, names: Sequence[str]) -> str | None:
        """Take the first of `names` that is free -> its name; None: none is."""
        with self.exclusive():
            rows = self._connection.execute(
                'SELECT name, state, owner, beat FROM jobs WHERE state IN (?, ?) '
                'ORDER BY place',
                OPEN_STATES,
            ).fetchall()
            wanted = set(names)
            for name, state, owner, beat in rows:
                if name not in wanted:
                    continue
                if state == 'running' and not self._is_abandoned(name, owner, beat):
                    continue
                self._connection.execute(
                    "UPDATE jobs SET state = 'running', owner = ?, beat = beat + 1, "
                    'attempts = attempts + 1 WHERE name = ?',
                    (str(self.owner), name),
                )
                return name
        return None

    def _is_abandoned(self, name: str, owner: str, beat: int) -> bool:
        if Owner.parse(owner).is_gone():
            return True
        now = time.monotonic()
        seen, since = self._seen.get(name, (None, now))
        if seen != (owner, beat):
            self._seen[name] = (owner, beat), now
            return False
        return Owner.parse(owner) != self.owner and now - since > TAKE_OVER_SECONDS

    def beat(self, names: Sequence[str]) -> list[str]:
        """Say that `names` are still run here -> those that somebody else has taken."""
        lost = []
        with self.exclusive():
            for name in names:
                changed = self._connection.execute(
                    'UPDATE jobs SET beat = beat + 1 '
                    "WHERE name = ? AND owner = ? AND state = 'running'",
                    (name, str(self.owner)),
                ).rowcount
                if not changed:
                    lost.append(name)
        return lost

    def end(self, name: str, state: str, seconds: float = 0.0, note: str = '') -> None:
        """Give a job that runs here another state, 'waiting' for somebody to go on."""
        self._connection.execute(
            'UPDATE jobs SET state = ?, seconds = seconds + ?, note = ? '
            "WHERE name = ? AND owner = ? AND state = 'running'",
            (state, seconds, note, name, str(self.owner)),
        )

    def stop(self, name: str, note: str) -> None:
        """Take a waiting job out of the queue."""
        self._connection.execute(
            "UPDATE jobs SET state = 'stopped', note = ? "
            "WHERE name = ? AND state = 'waiting'",
            (note, name),
        )

    def list_jobs(self) -> dict[str, Job]:
        """Name -> job, in the order of the queue."""
        rows = self._connection.execute(
            'SELECT name, state, owner, attempts, seconds, note FROM jobs ORDER BY place'
        ).fetchall()
        return {
            name: Job(name, state, Owner.parse(owner) if owner else None, *rest)
            for name, state, owner, *rest in rows
        }


def _marks(values: Sequence[str]) -> str:
    return ', '.join('?' * len(values))
