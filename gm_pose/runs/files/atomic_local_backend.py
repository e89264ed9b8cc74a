"""MMEngine file backend for the local disk whose `put` is atomic."""

from pathlib import Path

import mmengine
from mmengine.fileio import LocalBackend, register_backend

from gm_pose.runs.files.atomic_files import explain_write_error, write_atomically
from gm_pose.runs.user_errors import UserError

__all__ = ['AtomicLocalBackend']


@register_backend('atomic_local')
class AtomicLocalBackend(LocalBackend):
    """`LocalBackend` that never leaves half a file: ``backend='atomic_local'``.

    MMEngine's own backend opens the checkpoint's final name and writes into it, so a run
    that is killed (or a disk that fills up) in that moment leaves a broken file under
    the name that `last_checkpoint` points to.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes atomically; a `UserError` names a full or read-only disk."""
        try:
            mmengine.mkdir_or_exist(Path(filepath).parent)
            write_atomically(filepath, obj)
        except OSError as error:
            what = explain_write_error(error, str(filepath), 'save')
            raise UserError(
                f'{what}; what was saved before is untouched, and --resume goes on '
                'from it'
            ) from error

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text atomically."""
        self.put(obj.encode(encoding), filepath)
