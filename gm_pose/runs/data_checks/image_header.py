"""Sizes that images claim, from their first bytes: `find_size` before Pillow, for JPEG and
PNG in memory; `parse_size` where Pillow does not say.

OpenCV, with which MMPose decodes, reads Radiance, portable float maps, TIFF of floats and
PNG with any amount of text.
"""

import re
import struct

__all__ = ['find_size', 'parse_size']

_NUM_BYTES = 65_536
_PATTERNS = (  # format's first bytes, width, height
    (b'#?', rb'[+-]X (?P<w>\d+)', rb'[+-]Y (?P<h>\d+)'),
    (b'P7', rb'WIDTH (?P<w>\d+)', rb'HEIGHT (?P<h>\d+)'),
    (b'PF', rb'^PF\s+(?P<w>\d+)\s+\d+', rb'^PF\s+\d+\s+(?P<h>\d+)'),
    (b'Pf', rb'^Pf\s+(?P<w>\d+)\s+\d+', rb'^Pf\s+\d+\s+(?P<h>\d+)'),
)


_JPEG, _PNG = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOF0 to SOF15
_MAX_SEGMENTS = 1000
# Without a length, an end or a scan before any frame, or a fill byte.
_UNUSUAL = frozenset({0x00, 0x01, *range(0xD0, 0xDB), 0xFF})


def find_size(content: bytes) -> tuple[int, int] | None:
    """A whole JPEG or PNG -> (W, H) of its frame header or IHDR; None for anything else.

    None too where the header is unusual (bytes between segments, a height that comes
    later): the caller then asks Pillow, which takes 20 times as long.
    """
    if content.startswith(_PNG):
        if content[12:16] != b'IHDR' or len(content) < 24:
            return None
        return struct.unpack_from('>II', content, 16)
    if not content.startswith(_JPEG):
        return None
    at, last = 2, len(content) - 9
    for _ in range(_MAX_SEGMENTS):
        if at > last or content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from('>HH', content, at + 5)
            return width, height
        if marker in _UNUSUAL:
            return None
        at += 2 + int.from_bytes(content[at + 2 : at + 4], 'big')
    return None


def parse_size(path: str) -> tuple[int, int] | None:
    """Size in the header of a PNG, TIFF, HDR, PAM or PFM -> (W, H), else None."""
    with open(path, 'rb') as file:
        head = file.read(_NUM_BYTES)
        if head.startswith(b'\x89PNG') and len(head) >= 24:
            return struct.unpack('>II', head[16:24])
        if head[:4] in (b'II*\0', b'MM\0*') and len(head) >= 8:
            order = '<' if head.startswith(b'II') else '>'
            file.seek(struct.unpack(f'{order}I', head[4:8])[0])
            return _parse_tiff(file.read(_NUM_BYTES), order)
    for start, *patterns in _PATTERNS:
        if head.startswith(start):
            found = [re.search(pattern, head) for pattern in patterns]
            if all(found):
                return tuple(int(match[1]) for match in found if match)  # type: ignore[return-value]
    return None


def _parse_tiff(directory: bytes, order: str) -> tuple[int, int] | None:
    """First directory of a TIFF -> (W, H)."""
    size: dict[int, int] = {}
    for at in range(2, len(directory) - 11, 12):
        tag, kind = struct.unpack_from(f'{order}HH', directory, at)
        if tag in (256, 257) and kind in (3, 4):
            letter = 'H' if kind == 3 else 'I'
            size[tag] = struct.unpack_from(f'{order}{letter}', directory, at + 8)[0]
        if tag > 257:  # tags are in ascending order
            break
    return (size[256], size[257]) if len(size) == 2 else None
