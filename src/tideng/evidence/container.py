"""A ZIP file with exactly one spelling: stored, sorted, without dates, comments or gaps. Pure.

Any unzip program opens it; and because nothing in it is free, a verifier that writes the same files again
must get the same bytes, so no byte of the file lies outside what is verified (APPNOTE.TXT 4.3).
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Final

FILES_MAX: Final = 65_000
BYTES_MAX: Final = 2**32 - 2**24
"""Below the limits of the plain ZIP format, which every program reads."""
NAME_BYTES_MAX: Final = 200

_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<IHHHHIIH")
_VERSION: Final = 20
_UTF8: Final = 0x0800
_FIRST_DAY: Final = 0x0021
"""1980-01-01, the earliest date a ZIP file can hold."""


class TooLarge(ValueError):
    """The files do not fit into one plain ZIP file. Ask for a shorter window, or fewer messages."""


def write_container(files: Mapping[str, bytes]) -> bytes:
    """The one ZIP file that holds these files. `TooLarge` beyond `FILES_MAX` or `BYTES_MAX`."""
    if len(files) > FILES_MAX or sum(map(len, files.values())) > BYTES_MAX:
        raise TooLarge(
            f"the bundle would hold {len(files)} files; the limits are {FILES_MAX} and {BYTES_MAX} bytes. "
            f"Ask for a shorter window, or for fewer messages."
        )
    pieces: list[bytes] = []
    central: list[bytes] = []
    at = 0
    for path in sorted(files):
        name, content = path.encode(), files[path]
        if len(name) > NAME_BYTES_MAX:
            raise TooLarge(f"a name of {len(name)} bytes is too long; the limit is {NAME_BYTES_MAX}")
        crc, size = zlib.crc32(content), len(content)
        common = (_VERSION, _UTF8, 0, 0, _FIRST_DAY, crc, size, size, len(name), 0)
        head = _LOCAL.pack(0x04034B50, *common) + name
        central.append(_CENTRAL.pack(0x02014B50, _VERSION, *common, 0, 0, 0, 0, at) + name)
        pieces += [head, content]
        at += len(head) + size
    directory = b"".join(central)
    end = _END.pack(0x06054B50, 0, 0, len(files), len(files), len(directory), at, 0)
    return b"".join([*pieces, directory, end])
