"""The size that an encoded image claims, from the bytes that are decoded next."""

import struct

__all__ = ['parse_encoded_size']

# Start of frame: all of 0xC0 to 0xCF but Huffman tables, extensions and arithmetic codes.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def parse_encoded_size(content: bytes) -> tuple[int, int] | None:
    """Bytes of a JPEG or PNG -> (W, H) before any turn that EXIF asks for, else None."""
    if content[:2] == b'\xff\xd8':
        return _parse_jpeg(content)
    if content[:8] == b'\x89PNG\r\n\x1a\n' and content[12:16] == b'IHDR':
        return struct.unpack_from('>II', content, 16) if len(content) >= 24 else None
    return None


def _parse_jpeg(content: bytes) -> tuple[int, int] | None:
    """Go from marker to marker; a thumbnail lies inside a segment and is stepped over."""
    at, end = 2, len(content) - 9
    while at < end:
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from('>HH', content, at + 5)
            return (width, height) if width and height else None
        if marker == 0xDA:  # the pixels begin, and no frame was there
            return None
        is_bare = marker == 0x01 or 0xD0 <= marker <= 0xD8
        at += 2 if is_bare else 2 + struct.unpack_from('>H', content, at + 2)[0]
    return None
