"""7z and rar through libarchive, which streams them; without it, 7z through py7zr."""

import io
from collections.abc import Iterator
from typing import IO, BinaryIO, Final

from tideng.scan.readers.blocks import CannotRead, Reason, short

HELD_BYTES_MAX: Final = 512_000_000
"""A member of a 7z or rar archive is held while it is read; longer ones are left out and listed."""

Member = tuple[str, int, IO[bytes], CannotRead | None]


def members(file: BinaryIO, kind: str) -> Iterator[Member]:
    """Name, length, content and problem of each member. `CannotRead` when the archive cannot be opened."""
    try:
        import libarchive
    except (ImportError, OSError, AttributeError, TypeError):
        if kind == "7z":
            yield from _seven(file)
            return
        raise CannotRead("needs_extra", "rar needs the system library libarchive13") from None
    file.seek(0)
    try:
        with libarchive.stream_reader(file) as archive:
            for entry in archive:
                if entry.isfile:
                    yield _entry(entry)
    except libarchive.ArchiveError as error:
        text = str(error).lower()
        reason: Reason = "encrypted" if "passphrase" in text or "encrypt" in text else "damaged"
        raise CannotRead(reason, short(error)) from error


def _entry(entry: object) -> Member:
    import libarchive

    name = str(getattr(entry, "pathname", "") or "unnamed")
    size = int(getattr(entry, "size", 0) or 0)
    data = io.BytesIO()
    try:
        for block in entry.get_blocks():  # type: ignore[attr-defined]  # libarchive has no types
            data.write(block)
            if data.tell() > HELD_BYTES_MAX:
                return (
                    name,
                    size,
                    io.BytesIO(),
                    CannotRead("over_limit", f"longer than {HELD_BYTES_MAX} bytes"),
                )
    except libarchive.ArchiveError as error:
        text = str(error).lower()
        reason: Reason = "encrypted" if "passphrase" in text or "encrypt" in text else "damaged"
        return name, max(1, size), io.BytesIO(), CannotRead(reason, short(error))
    data.seek(0)
    return name, size, data, None


def _seven(file: BinaryIO) -> Iterator[Member]:
    import py7zr
    from py7zr.io import BytesIOFactory

    try:
        with py7zr.SevenZipFile(file) as archive:
            if archive.needs_password():
                raise CannotRead("encrypted", "under a password")
            factory = BytesIOFactory(HELD_BYTES_MAX)
            archive.extractall(factory=factory)
            for name, product in factory.products.items():
                data = product.read()
                yield name, len(data), io.BytesIO(data), None
    except py7zr.Bad7zFile as error:
        raise CannotRead("damaged", short(error)) from error
