"""Names of the places that pixels come from."""

__all__ = ['IMAGE_KINDS', 'STREAM', 'is_image_kind']

STREAM = 'stream:'
IMAGE_KINDS = ('auto', 'original', 'images', 'crops', f'{STREAM}URL')


def is_image_kind(kind: str) -> bool:
    """Whether `open_images` knows it."""
    if kind.startswith(STREAM):
        return kind not in (STREAM, IMAGE_KINDS[-1])
    return kind in IMAGE_KINDS
