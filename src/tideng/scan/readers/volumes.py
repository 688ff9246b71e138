"""One file system of a disk image, walked by The Sleuth Kit: its files, and where their bytes lie."""

import io
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from tideng.scan.readers.blocks import Unread, short
from tideng.scan.readers.ranges import Range

FOLDERS_DEEP_MAX: Final = 200
_NTFS_OWN: Final = 24
"""MFT entries below this are NTFS's own: their bytes are carved, not read as files."""
_MFT_ENTRY: Final = 0x40
"""Where an NTFS boot sector says how long an MFT entry is: clusters, or as a power of two if negative."""


class Stream(Struct, frozen=True):
    """One content of a file; a file of NTFS may have several."""

    name: str
    """Of a further content; "" for the file's own."""
    size: int
    ranges: tuple[Range, ...]
    """Its bytes in the image. Holes have none."""
    kind: int
    number: int


class Entry(Struct, frozen=True):
    """One regular file of a folder."""

    path: str
    is_deleted: bool
    streams: tuple[Stream, ...]
    file: Any  # pytsk3 has no types


class Content(io.RawIOBase):
    """The bytes of one stream, read in order."""

    def __init__(self, entry: Entry, stream: Stream) -> None:
        self._file, self._stream, self._at = entry.file, stream, 0

    def readable(self) -> bool:
        """It is for nothing else."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`. OSError where the file system is damaged."""
        wanted = min(len(buffer), self._stream.size - self._at)
        if wanted <= 0:
            return 0
        data = self._file.read_random(self._at, wanted, self._stream.kind, self._stream.number)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class Volume:
    """A file system that begins at byte `start` of an image."""

    def __init__(self, tsk: Any, system: Any, start: int, boot: bytes) -> None:
        """`tsk`: the module pytsk3. `system`: its FS_Info. `boot`: the first 512 bytes."""
        self._tsk, self._system, self._start = tsk, system, start
        self._block = int(system.info.block_size)
        self._contents = (
            tsk.TSK_FS_ATTR_TYPE_DEFAULT,
            tsk.TSK_FS_ATTR_TYPE_NTFS_DATA,
            tsk.TSK_FS_ATTR_TYPE_HFS_DATA,
            tsk.TSK_FS_ATTR_TYPE_APFS_DATA,
        )
        self._is_ntfs = system.info.ftype == tsk.TSK_FS_TYPE_NTFS
        self._mft: tuple[Range, ...] = ()
        self._mft_entry = 0
        if self._is_ntfs and len(boot) > _MFT_ENTRY:
            length = int.from_bytes(boot[_MFT_ENTRY : _MFT_ENTRY + 1], "little", signed=True)
            self._mft_entry = length * self._block if length > 0 else 1 << -length
            own = self._streams(system.open_meta(inode=0), 0)
            self._mft = own[0].ranges if own else ()

    def walk(self) -> Iterator[Entry | Unread]:
        """Every regular file, each content once; an `Unread` for a folder that cannot be listed."""
        tsk = self._tsk
        seen: set[int] = set()
        waiting: list[tuple[str, int, int]] = [("", int(self._system.info.root_inum), 0)]
        while waiting:
            path, inode, depth = waiting.pop()
            try:
                listed = list(self._system.open_dir(inode=inode))
            except OSError as error:
                yield Unread(f"{path}/", "damaged", short(error), 0)
                continue
            for file in listed:
                name, meta = file.info.name.name.decode("utf-8", "replace"), file.info.meta
                if name in (".", "..") or meta is None or (self._is_ntfs and meta.addr < _NTFS_OWN):
                    continue
                below = f"{path}/{name}" if path else name
                if meta.type == tsk.TSK_FS_META_TYPE_DIR and meta.addr not in seen:
                    seen.add(meta.addr)
                    if depth < FOLDERS_DEEP_MAX:
                        waiting.append((below, int(meta.addr), depth + 1))
                elif meta.type == tsk.TSK_FS_META_TYPE_REG:
                    in_use = file.info.name.flags & tsk.TSK_FS_NAME_FLAG_ALLOC
                    in_use = in_use and meta.flags & tsk.TSK_FS_META_FLAG_ALLOC
                    # Two names of one file (hard links) hold the same bytes.
                    if meta.addr not in seen or not in_use:
                        seen.add(meta.addr)
                        yield self._entry(below, file, int(meta.addr), is_deleted=not in_use)

    def _entry(self, path: str, file: Any, inode: int, *, is_deleted: bool) -> Entry | Unread:
        try:
            return Entry(path, is_deleted, self._streams(file, inode), file)
        except OSError as error:
            return Unread(path, "damaged", short(error), 0)

    def _streams(self, file: Any, inode: int) -> tuple[Stream, ...]:
        found = []
        for attribute in file:
            info = attribute.info
            if info.type not in self._contents or not info.size:
                continue
            name = (info.name or b"").decode("utf-8", "replace")
            is_resident = not info.flags & self._tsk.TSK_FS_ATTR_NONRES
            ranges = self._in_mft(inode) if is_resident else self._ranges(attribute, int(info.size))
            found.append(Stream(name, int(info.size), ranges, int(info.type), int(info.id)))
        return tuple(found)

    def _ranges(self, attribute: Any, size: int) -> tuple[Range, ...]:
        """The bytes of the file itself; what its last block holds behind them is slack."""
        holes = self._tsk.TSK_FS_ATTR_RUN_FLAG_SPARSE, self._tsk.TSK_FS_ATTR_RUN_FLAG_FILLER
        found = []
        for run in attribute:
            length = min(int(run.len) * self._block, size - int(run.offset) * self._block)
            if length > 0 and int(run.flags) not in holes:
                begin = self._start + int(run.addr) * self._block
                found.append((begin, begin + length))
        return tuple(found)

    def _in_mft(self, inode: int) -> tuple[Range, ...]:
        """NTFS keeps a small file in its own entry of the MFT."""
        at = inode * self._mft_entry
        for start, end in self._mft:
            if at < end - start:
                return ((start + at, start + at + self._mft_entry),)
            at -= end - start
        return ()
