"""Pictures made in code, small and valid enough to be told apart by their leading octets."""

import struct
import zlib


def png(seed: int = 0) -> bytes:
    """One grey pixel, whole and valid; another seed is another picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    note = b"Comment\x00" + str(seed).encode()
    chunks = (b"IHDR", head), (b"tEXt", note), (b"IDAT", zlib.compress(bytes([0, 128]))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


JPEG = b"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00*\x00\x00\x00\x08" + b"\x00" * 40 + b"\xff\xd9"
"""With an EXIF segment, whose octets must come back as they went in."""
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f" + b"\x00" * 12
