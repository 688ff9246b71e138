"""Disk images: raw (dd) and E01. Their files are read one by one, those deleted too where nothing has taken
their place; what no file holds is left over for carving, so that together they are every byte.
"""

import glob
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from msgspec import Struct

from tideng.scan.readers.blocks import CannotRead, Unread, short
from tideng.scan.readers.ranges import Range, Ranges
from tideng.scan.readers.volumes import Content, Entry, Stream, Volume

FILES_MAX: Final = 2_000_000
"""So many files of one image are opened; what is in further ones is carved."""
DELETED_MAX: Final = 200_000
VOLUMES_MAX: Final = 128
BOOT_BYTES: Final = 512
_LOCKED: Final = ((3, b"-FVE-FS-", "BitLocker"), (0, b"LUKS\xba\xbe", "LUKS"))
"""Byte of the volume, mark, name."""
_SEGMENT: Final = slice(9, 11)
"""Where an E01 file says which of its segments it is, little-endian, from 1 (Expert Witness format)."""


class Member(Struct, frozen=True):
    """One content of one file of an image."""

    name: str
    size: int
    content: Content


def segment_of(head: bytes) -> int:
    """Which segment of an E01 image a file is, from 1."""
    return int.from_bytes(head[_SEGMENT], "little")


def segments_of(path: str) -> list[str]:
    """The files that belong to the E01 image whose first segment this is, in order: x.E01, x.E02 …"""
    stem, ending = os.path.splitext(path)
    found = [one for one in glob.glob(glob.escape(stem) + ".*") if _is_like(os.path.splitext(one)[1], ending)]
    return sorted(found) if path in found else [path]


def _is_like(ending: str, first: str) -> bool:
    return len(ending) == len(first) and ending[:2].lower() == first[:2].lower() and ending[1:].isalnum()


def first_segment_of(path: str) -> str:
    """The first segment beside this later one; "" if there is none."""
    stem, ending = os.path.splitext(path)
    first = f"{stem}{ending[:2]}01"
    return first if os.path.isfile(first) else ""


class Image:
    """An image, opened for reading. Not thread-safe."""

    def __init__(self, file: BinaryIO, kind: str, size: int) -> None:
        """`kind`: "disk_image" or "e01". Raises CannotRead: no extra installed, or no image of this kind."""
        try:
            import pytsk3

            self._tsk: Any = pytsk3
            segments = _beside(file) if kind == "e01" else []
            self._evidence = _evidence(file, segments) if kind == "e01" else None
        except ImportError:
            raise CannotRead("needs_extra", "a disk image; reading it needs the extra `forensics`") from None
        except OSError as error:
            raise CannotRead("damaged", short(error)) from error
        self._file = file
        self.stored = sum(map(os.path.getsize, segments)) or size
        """Bytes it takes where it lies: of E01, all its segments."""
        self.size = int(self._evidence.get_media_size()) if self._evidence is not None else size
        self._taken = Ranges()
        self._opened = 0

    def read(self, at: int, size: int) -> bytes:
        """So many bytes of the disk; fewer at its end. OSError where the image is damaged."""
        size = min(size, self.size - at)
        if size <= 0 or at < 0:
            return b""
        if self._evidence is not None:
            return bytes(self._evidence.read_buffer_at_offset(size, at))
        self._file.seek(at)
        return self._file.read(size)

    def members(self) -> Iterator[Member | Unread]:
        """Every file of every volume. Each is to be read before the next is asked for."""
        for prefix, start, length in self._volumes():
            lock = next((name for at, mark, name in _LOCKED if self.read(start + at, len(mark)) == mark), "")
            if lock:
                self._taken.add([(start, start + length)])
                yield Unread(f"{prefix}({lock})", "encrypted", f"a volume under {lock}", length)
                continue
            system = self._file_system(start)
            if system is not None:
                yield from self._files(prefix, Volume(self._tsk, system, start, self.read(start, BOOT_BYTES)))

    def left(self) -> list[Range]:
        """The bytes of the disk that no file handed out so far holds."""
        return list(self._taken.rest(self.size))

    def _volumes(self) -> Iterator[tuple[str, int, int]]:
        """What to write before the names in it, first byte and length of whatever may be a file system."""
        whole = [("", 0, self.size)]
        try:
            table = None if self._file_system(0) else self._tsk.Volume_Info(_sleuth(self._tsk, self))
        except OSError:
            table = None
        if table is None:
            yield from whole
            return
        each = int(table.info.block_size)
        used = [part for part in table if part.flags & self._tsk.TSK_VS_PART_FLAG_ALLOC]
        for number, part in enumerate(used[:VOLUMES_MAX], 1):
            start = int(part.start) * each
            yield f"volume {number}/", start, max(0, min(int(part.len) * each, self.size - start))

    def _file_system(self, start: int) -> Any:
        try:
            return self._tsk.FS_Info(_sleuth(self._tsk, self), offset=start)
        except OSError:
            return None

    def _files(self, prefix: str, volume: Volume) -> Iterator[Member | Unread]:
        deleted: list[tuple[Entry, Stream]] = []
        for found in volume.walk():
            if isinstance(found, Unread):
                yield Unread(prefix + found.member, found.reason, found.detail, found.bytes)
            elif found.is_deleted:
                if len(deleted) < DELETED_MAX:
                    deleted += [(found, stream) for stream in found.streams if stream.ranges]
            else:
                for stream in found.streams:
                    yield from self._handed_out(prefix, found, stream)
        for entry, stream in deleted[:DELETED_MAX]:
            # A deleted file whose place was given to another is that other's content.
            if not self._taken.meets(stream.ranges):
                yield from self._handed_out(prefix, entry, stream)

    def _handed_out(self, prefix: str, entry: Entry, stream: Stream) -> Iterator[Member]:
        if self._opened < FILES_MAX:
            self._opened += 1
            self._taken.add(stream.ranges)
            name = prefix + entry.path + (f":{stream.name}" if stream.name else "")
            name += " (deleted)" if entry.is_deleted else ""
            yield Member(name, stream.size, Content(entry, stream))


def _beside(file: BinaryIO) -> list[str]:
    """All segments of the image whose first is open, where it is a file with a name."""
    name = getattr(file, "name", None)
    return segments_of(name) if isinstance(name, str) and os.path.isfile(name) else []


def _evidence(file: BinaryIO, segments: list[str]) -> Any:
    import pyewf

    handle = pyewf.handle()
    if segments:
        handle.open(segments)
    else:
        file.seek(0)
        handle.open_file_objects([file])
    return handle


def _sleuth(tsk: Any, image: Image) -> Any:
    """The image as The Sleuth Kit reads one."""

    class Read(tsk.Img_Info):  # type: ignore[misc]  # pytsk3 has no types
        def __init__(self) -> None:
            super().__init__(url="", type=tsk.TSK_IMG_TYPE_EXTERNAL)

        def close(self) -> None:
            """The file is closed by whoever opened it."""

        def read(self, offset: int, size: int) -> bytes:
            return image.read(offset, size)

        def get_size(self) -> int:
            return image.size

    return Read()
