"""The ledger as files that any static web server can serve (c2sp.org/tlog-tiles).

What is published is exactly what its newest checkpoint vouches for. `export` writes files first, syncs them,
and renames the checkpoint last: whoever reads the folder, at any moment and after any crash, finds a
checkpoint and everything it needs. Running it again writes only what is new.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from tideng.evidence import merkle
from tideng.evidence.checkpoint import Checkpoint, open_checkpoint
from tideng.evidence.ledger import LedgerCorrupt
from tideng.evidence.merkle import HASH_BYTES
from tideng.evidence.note import NOTE_BYTES_MAX, NoteInvalid, Verifier
from tideng.evidence.resources import CHECKPOINT, ENTRIES, Resource, encode_bundle, is_within, resources
from tideng.evidence.tiles import TILE_WIDTH, TileHashes, TilesBroken

SYNCED_TOGETHER: Final = 512
"""Files written before they are synced; as many names are kept in memory."""
SYNC_THREADS: Final = 8

Progress = Callable[[int, int], None]


class Stored(Protocol):
    """Where leaves and tiles are read from; see `stored.StoredLedger`."""

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """As many as there are from `start` on, `stop` excluded."""

    def tile(self, level: int, n: int) -> bytes | None:
        """The hashes of a tile as far as they are known."""


class ExportRefused(Exception):
    """The folder holds something this ledger does not continue. Nothing was written."""


class Exported(Struct, frozen=True):
    """What `export` did: the size published before and now, and how many files were new."""

    before: int
    size: int
    files: int


def read_resource(stored: Stored, resource: Resource, size: int) -> bytes | None:
    """The bytes of a resource of a ledger published up to `size`; None if it has no such resource."""
    if not is_within(resource, size):
        return None
    if resource.level == ENTRIES:
        start = resource.n * TILE_WIDTH
        leaves = stored.leaves(start, start + resource.width)
        if len(leaves) != resource.width:
            raise LedgerCorrupt(f"entries from {start} on are missing. Run `tideng ledger verify`.")
        return encode_bundle(leaves)
    # A tile only grows, so an older, narrower one is the beginning of what is stored.
    hashes = (stored.tile(resource.level, resource.n) or b"")[: resource.width * HASH_BYTES]
    if len(hashes) != resource.width * HASH_BYTES:
        raise LedgerCorrupt(f"{resource.path} is missing or too short. Run `tideng ledger verify`.")
    return hashes


def export(
    stored: Stored,
    note: bytes,
    origin: str,
    verifiers: Iterable[Verifier],
    folder: Path,
    progress: Progress | None = None,
) -> Exported:
    """Publish everything `note` vouches for in `folder`, whatever a crash left there.

    `note` is a checkpoint over `stored`. Raises `NoteInvalid` if it is not ours or its root is not that of
    the stored tiles, `ExportRefused` if the folder holds another ledger, a newer one, or one that forked
    from ours; OSError when the disk does. The folder's checkpoint is then the one it had.
    """
    known = [*verifiers]
    checkpoint = open_checkpoint(note, origin, known)
    hashes = TileHashes(stored.tile)
    if _root(checkpoint.size, hashes) != checkpoint.root:
        raise NoteInvalid(f"the stored tiles have another root at size {checkpoint.size} than the checkpoint")
    folder.mkdir(parents=True, exist_ok=True)
    before = _published(folder, origin, known, checkpoint, hashes)
    due = _count(checkpoint.size, before)
    written, pending = 0, _Pending()
    with closing(pending):
        for resource in resources(checkpoint.size, before):
            content = read_resource(stored, resource, checkpoint.size)
            if content is None:
                raise LedgerCorrupt(f"{resource.path} is missing. Run `tideng ledger verify`.")
            pending.add(folder / resource.path, content)
            written += 1
            if progress and written % SYNCED_TOGETHER == 0:
                progress(written, due)
        pending.sync()
    _replace_synced(folder / CHECKPOINT, note)
    if progress:
        progress(written, due)
    return Exported(before, checkpoint.size, written)


def _published(
    folder: Path, origin: str, verifiers: list[Verifier], new: Checkpoint, hashes: TileHashes
) -> int:
    """The size the folder publishes now, having checked that the new checkpoint continues it."""
    try:
        with (folder / CHECKPOINT).open("rb") as file:
            note = file.read(NOTE_BYTES_MAX)
    except FileNotFoundError:
        return 0
    try:
        old = open_checkpoint(note, origin, verifiers)
    except NoteInvalid as error:
        raise ExportRefused(f"{folder} holds a checkpoint that is not ours: {error}. Use another.") from error
    if old.size > new.size:
        raise ExportRefused(
            f"{folder} was published up to {old.size} entries, this ledger vouches for {new.size}: it is an "
            f"older copy. Restore a newer backup, and do not go on with this one."
        )
    if _root(old.size, hashes) != old.root:
        raise ExportRefused(
            f"{folder} holds {old.size} entries with another root: two histories were signed. Keep both, "
            f"write down when it was found, and ask who held the key."
        )
    return old.size


def _root(size: int, hashes: TileHashes) -> bytes:
    try:
        return merkle.root(size, hashes)
    except TilesBroken as error:
        raise LedgerCorrupt(f"{error}. Run `tideng ledger verify`.") from error


def _count(size: int, known: int) -> int:
    """How many resources `resources(size, known)` gives, without making them."""
    count = 0
    for level in range(ENTRIES, 8):
        shift = 8 * max(level, 0)
        full, width = divmod(size >> shift, TILE_WIDTH)
        count += full - (known >> shift) // TILE_WIDTH + (bool(width) and known >> shift != size >> shift)
    return count


class _Pending:
    """Files that have their name and content but are not synced yet, and the folders they lie in."""

    def __init__(self) -> None:
        self._files: list[int] = []
        self._folders: dict[Path, None] = {}
        self._made: set[Path] = set()

    def add(self, path: Path, content: bytes) -> None:
        """Write a file beside its name and keep it open until it is synced and renamed."""
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
            if len(self._made) > 100_000:
                self._made.clear()
        unfinished = path.with_name(f".{path.name}.new")
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            _write_all(file, content)
        except BaseException:
            os.close(file)
            raise
        self._files.append(file)
        # Renamed at once: no checkpoint refers to it before everything is synced, and what a crash leaves
        # half-written under a new name is written again.
        os.rename(unfinished, path)
        self._folders[path.parent] = None
        if len(self._files) >= SYNCED_TOGETHER:
            self._sync_files()

    def sync(self) -> None:
        """Everything added so far, and its name, survives a power cut when this returns."""
        self._sync_files()
        above = {folder.parent for folder in self._folders} | {f.parent.parent for f in self._folders}
        for folder in [*self._folders, *above]:
            _sync_folder(folder)
        self._folders.clear()

    def close(self) -> None:
        """Let go of the files that were not synced, after an error."""
        files, self._files = self._files, []
        for file in files:
            os.close(file)

    def _sync_files(self) -> None:
        with ThreadPoolExecutor(SYNC_THREADS) as pool:  # each waits for the disk, not for Python
            for _ in pool.map(os.fsync, self._files):
                pass
        self.close()


def _write_all(file: int, content: bytes) -> None:
    done = 0
    while done < len(content):
        done += os.write(file, content[done:])


def _replace_synced(path: Path, content: bytes) -> None:
    """The file has the old content or the new one, never anything else; synced when this returns."""
    unfinished = path.with_name(f".{path.name}.new")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        _write_all(file, content)
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(unfinished, path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
