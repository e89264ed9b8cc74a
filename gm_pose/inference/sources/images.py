"""Image files and arrays as sources of frames."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from gm_pose.inference.sources.frame import Failure, Frame
from gm_pose.inference.sources.pixels import read_image, to_bgr
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage

__all__ = ['Arrays', 'ImageFiles']


class ImageFiles:
    """Image files, read one by one; those that cannot be read are noted and left out.

    Args:
        paths: in the order of the results.
    """

    fps: float | None = None

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = list(enumerate(paths))
        self.total: int | None = len(paths)
        self.failures: list[Failure] = []

    def leave_out(self, done: Collection[tuple[str, int | None]]) -> int:
        """Skip files that are done."""
        before = len(self._paths)
        self._paths = [(k, p) for k, p in self._paths if (p, None) not in done]
        self.total = len(self._paths)
        return before - self.total

    def __iter__(self) -> Iterator[Frame]:
        for position, path in self._paths:
            try:
                image = read_image(path)
            except UnreadableImage as error:
                reason = str(error).removeprefix(f'{path}: ')
                self.failures.append(Failure(path, reason))
                continue
            yield Frame(image, path, None, position)


class Arrays:
    """Arrays and PIL images, see `to_bgr`.

    Raises:
        ValueError: one of another kind, when it is reached.
    """

    fps: float | None = None

    def __init__(self, images: Sequence[Any]) -> None:
        self._images = images
        self.total: int | None = len(images)
        self.failures: list[Failure] = []

    def leave_out(self, done: Collection[tuple[str, int | None]]) -> int:
        """Nothing: arrays have no names."""
        return 0

    def __iter__(self) -> Iterator[Frame]:
        for position, image in enumerate(self._images):
            if isinstance(image, str):
                yield Frame(read_image(image), image, None, position)
            else:
                yield Frame(to_bgr(image), '', None, position)
