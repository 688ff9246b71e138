"""OLE compound files as Word and Outlook write them (MS-CFB), as small as they can be: for tests."""

import struct
from itertools import pairwise

SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
NONE = 0xFFFFFFFF


def compound(streams: dict[str, bytes]) -> bytes:
    """A container with these streams ("storage/stream" or "stream"), each at least 4,096 bytes long."""
    names = sorted({path.split("/")[0] for path in streams if "/" in path})
    entries = [["Root Entry", 5, b"", NONE, NONE, NONE]]
    for name in names:
        entries.append([name, 1, b"", NONE, NONE, NONE])
    for path, data in streams.items():
        entries.append([path.split("/")[-1], 2, data.ljust(4096, b"\0"), NONE, NONE, NONE])
    # Children of a storage as a chain to the right, in the order that the format asks for.
    for at, name in [(0, "")] + [(1 + n, name) for n, name in enumerate(names)]:
        mine = [1 + len(names) + n for n, path in enumerate(streams) if path.rpartition("/")[0] == name]
        mine += [1 + n for n in range(len(names))] if not name else []
        mine.sort(key=lambda e: (len(entries[e][0]), entries[e][0].upper()))
        for left, right in pairwise(mine):
            entries[left][4] = right
        entries[at][5] = mine[0] if mine else NONE
    directory_sectors = -(-len(entries) // 4)
    fat: list[int] = [FAT] + [1 + n + 1 for n in range(directory_sectors)]
    fat[-1] = END
    body, directory = b"", b""
    for name, kind, data, left, right, child in entries:
        start = END
        if data:
            start, count = len(fat), -(-len(data) // SECTOR)
            fat += [start + n + 1 for n in range(count - 1)] + [END]
            body += data.ljust(count * SECTOR, b"\0")
        wide = (name + "\0").encode("utf-16-le")
        directory += struct.pack(
            "<64sHBBIII16sIQQIQ", wide, len(wide), kind, 1, left, right, child, b"", 0, 0, 0, start, len(data)
        )
    directory = directory.ljust(directory_sectors * SECTOR, b"\0")
    assert len(fat) <= 128, "one sector of FAT is all that this makes"
    head = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"",
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        0,
        1,
        1,
        0,
        4096,
        END,
        0,
        END,
        0,
        0,
    )
    head += struct.pack("<108I", *([FREE] * 108))
    table = struct.pack("<128I", *(fat + [FREE] * (128 - len(fat))))
    return head[:SECTOR] + table + directory + body
