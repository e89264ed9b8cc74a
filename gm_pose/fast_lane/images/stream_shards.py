"""Shards of a stream on this machine: fetched whole, the oldest removed.

The stream is a data set of litdata: `index.json` and files `chunk-*.bin`, in a folder or a
bucket. litdata fetches and reads them; which are kept is decided here, since its own cache
follows its own order of samples and not that of a sampler.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.files.cache_folder import explain_cache_error, hold_lock
from gm_pose.runs.user_errors import UserError

__all__ = ['StreamShards', 'import_litdata', 'is_remote']


def import_litdata() -> Any:
    """The library, or what to install.

    Raises:
        UserError: it is not there.
    """
    try:
        import litdata
    except ImportError as error:
        raise UserError(
            f'images=stream:... needs litdata, which cannot be imported ({error}). Fix: '
            "pip install 'gm_pose[stream]'"
        ) from error
    return litdata


def is_remote(url: str) -> bool:
    """Whether shards have to be fetched; a folder is read where it is."""
    return '://' in url or url.startswith('local:')


class StreamShards:
    """The shards of one stream, and the folder that keeps some of them.

    Args:
        url: folder, or address that litdata knows (s3://, gs://, azure://, r2://;
            ``local:/folder`` treats a folder as one).
        cache: folder of caches; one for each content of the index is made in it.
        max_bytes: most that is kept.

    Raises:
        UserError: no stream is there, or the cache cannot be written.
    """

    def __init__(self, url: str, cache: Path, max_bytes: float) -> None:
        self.url, self.max_bytes = url, max_bytes
        self.folder = Path(url)
        self._last = -1
        if is_remote(url):
            try:
                self.folder = self._open_cache(cache)
            except OSError as error:
                raise explain_cache_error(error, cache) from error
        try:
            self.index = json.loads((self.folder / 'index.json').read_bytes())
            self.chunks = self.index['chunks']
            sizes = [int(chunk['chunk_size']) for chunk in self.chunks]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _explain_missing(url, error) from error
        self.starts = np.append(0, np.cumsum(sizes, dtype=np.int64))
        self._downloader = (
            self._make_downloader(self.folder) if is_remote(url) else None
        )

    def _make_downloader(self, folder: Path) -> Any:
        from litdata.streaming.downloader import get_downloader

        return get_downloader(self.url, str(folder), getattr(self, 'chunks', []))

    def _open_cache(self, cache: Path) -> Path:
        """Fetch the index -> the folder of its content."""
        import_litdata()
        with hold_lock(cache / f'{_hash(self.url.encode())}.lock'):
            fetched = cache / f'{os.getpid()}.index.json'
            try:
                address = f'{self.url.rstrip("/")}/index.json'
                self._make_downloader(cache).download_file(address, str(fetched))
                content = fetched.read_bytes()
            except Exception as error:  # of as many types as there are clients
                raise _explain_missing(self.url, error) from error
            finally:
                fetched.unlink(missing_ok=True)
            folder = cache / _hash(self.url.encode() + content)
            folder.mkdir(exist_ok=True)
            if not (folder / 'index.json').exists():
                write_atomically(folder / 'index.json', content)
        return folder

    def __len__(self) -> int:
        """Number of items."""
        return int(self.starts[-1])

    def check_room(self, num_shards: int) -> None:
        """Raise UserError if so many shards, or all there are, cannot be kept at once."""
        sizes = sorted(int(chunk['chunk_bytes']) for chunk in self.chunks)
        needed = sum(sizes[-num_shards:])
        if self._downloader is not None and needed > self.max_bytes:
            raise UserError(
                f'fast_lane.stream_cache_gb is {self.max_bytes / 1e9:g}; expected at least '
                f'{needed / 1e9:.3g}, of the {num_shards} shards that are read at once'
            )

    def find(self, items: Any) -> Any:
        """Items -> their shards."""
        return np.searchsorted(self.starts, items, side='right') - 1

    def fetch(self, shard: int) -> None:
        """Have a shard in the folder, and mark it as used; the oldest make room.

        Raises:
            OSError: it cannot be fetched or written, in the client's words; or its size is
                not the one that was written.
        """
        path = self._get_path(shard)
        if shard == self._last and path.exists():
            return
        if self._downloader is None:
            self._check_size(shard)
            self._last = shard
            return
        self._last = shard
        if self._is_whole(shard):
            with contextlib.suppress(FileNotFoundError):
                os.utime(path)
                return
        with hold_lock(self.folder / f'{shard}.fetching', tells=False):
            if self._is_whole(shard):  # another process fetched it
                return
            path.unlink(missing_ok=True)  # of a process that was killed
            with hold_lock(self.folder / 'room.lock', tells=False):
                self._make_room(int(self.chunks[shard]['chunk_bytes']))
            try:
                self._downloader.download_file(
                    f'{self.url.rstrip("/")}/{path.name}', str(path)
                )
            except Exception as error:
                raise OSError(f'{self.url}/{path.name}: {error}') from error
            self._check_size(shard)

    def is_damaged(self) -> bool:
        """Whether shards of a folder are missing or cut off; not asked of a bucket."""
        if self._downloader is not None:
            return False
        return not all(map(self._is_whole, range(len(self.chunks))))

    def _is_whole(self, shard: int) -> bool:
        with contextlib.suppress(OSError):
            size = self._get_path(shard).stat().st_size
            return size == int(self.chunks[shard]['chunk_bytes'])
        return False

    def _check_size(self, shard: int) -> None:
        """litdata waits for what is missing, seconds for each image."""
        if not self._is_whole(shard):
            path, size = self._get_path(shard), self.chunks[shard]['chunk_bytes']
            found = 'is missing'
            if path.exists():
                found = f'has {path.stat().st_size} bytes'
            raise OSError(
                f'shard {path.name} {found}; expected {size} bytes. Fix: gm_pose '
                'build-store CONFIG --kind stream writes it again'
            )

    def _get_path(self, shard: int) -> Path:
        return self.folder / str(self.chunks[shard]['filename'])

    def _make_room(self, needed: int) -> None:
        """Remove the shards that were not used for longest; open ones stay readable."""
        kept = []
        for path in self.folder.glob('chunk-*.bin'):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                kept.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in kept) + needed
        for _, size, path in sorted(kept):
            if total <= self.max_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size


def _hash(text: bytes) -> str:
    """32 hexadecimal digits."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _explain_missing(url: str, error: Exception) -> UserError:
    reason = str(error).strip().partition('\n')[0][:200]
    return UserError(
        f'{url} holds no stream of this dataset ({reason}). Fix: gm_pose build-store '
        f'CONFIG --kind stream --to {url.rpartition("/")[0] or url}'
    )
