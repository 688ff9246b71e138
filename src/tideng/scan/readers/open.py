"""`parts_of`: a file, whatever it is, as its members and what could not be read of them."""

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, Final, cast

from tideng.scan.readers import documents, images, packed, pictures, tables
from tideng.scan.readers.blocks import (
    DEPTH_MAX,
    MEMBER_BYTES_MAX,
    Budget,
    CannotRead,
    Part,
    Reason,
    Unread,
    short,
)
from tideng.scan.readers.carving import CARVED, carved
from tideng.scan.readers.sniff import format_of
from tideng.scan.readers.text import encoding_of, head_of, text_blocks

SPOOL_BYTES: Final = 32_000_000
"""Members longer than this wait on disk while they are read, not in memory."""
COPY_BYTES: Final = 1_000_000

Found = Iterator[Part | Unread]
_STREAMS: Final = ("gz", "bz2", "xz", "zst")
_UNREADABLE: Final[dict[str, tuple[str, str]]] = {
    "image": ("needs_extra", "a picture; `--ocr` reads it (extra `ocr`)"),
    "pst": ("unsupported", "an Outlook store; export it to mbox or eml"),
    "ppt": ("unsupported", "a PowerPoint file of before 2007; save it as pptx"),
    "ole": ("unsupported", "an OLE container of an unknown kind"),
    "ooxml": ("unsupported", "an Office container without sheets or text"),
    "encrypted_office": ("encrypted", "an Office file under a password"),
    "program": ("binary", "a program"),
    "media": ("binary", "sound or film"),
    "binary": ("binary", "no text that we know how to find"),
}


def parts_of(file: BinaryIO, name: str, size: int, budget: Budget, depth: int = 0) -> Found:
    """Every member of `file` in order, each to be read before the next is asked for; errors become
    `Unread`.
    """
    kind = format_of(head_of(file), size)
    try:
        yield from _parts(file, name, size, kind, budget, depth)
    except CannotRead as error:
        yield Unread(name, error.reason, error.detail, size)
    except (
        zlib.error,
        lzma.LZMAError,
        EOFError,
        zipfile.BadZipFile,
        tarfile.TarError,
        ValueError,
        IndexError,
    ) as error:
        yield Unread(name, "damaged", short(error), size)
    except (OSError, RuntimeError, NotImplementedError, KeyError, TypeError, MemoryError) as error:
        yield Unread(name, "damaged", short(error), size)


def _parts(file: BinaryIO, name: str, size: int, kind: str, budget: Budget, depth: int) -> Found:
    if kind == "empty":
        yield Part(name, "empty", size, iter(()))
    elif kind == "image" and budget.pictures:
        yield Part(name, pictures.FORMAT, size, pictures.picture_blocks(file, size))
    elif kind in _UNREADABLE:
        reason, detail = _UNREADABLE[kind]
        raise CannotRead(cast(Reason, reason), detail)
    elif kind in ("text", "sql"):
        sample = head_of(file)
        yield Part(name, kind, size, text_blocks(file, 0, size, encoding_of(sample)))
    elif kind in _STREAMS or kind in _ARCHIVES:
        if depth >= DEPTH_MAX:
            raise CannotRead("over_limit", f"archives are nested deeper than {DEPTH_MAX}")
        opener: Callable[..., Found] = _stream if kind in _STREAMS else _ARCHIVES[kind]
        yield from opener(file, name, size, kind, budget, depth)
    elif kind in tables.READERS:
        yield from tables.READERS[kind](file, name, size)
    elif kind == "pdf":
        read = pictures.written_in if budget.pictures else None
        yield Part(name, kind, size, documents.pdf(file, read))
    elif kind in documents.READERS:
        yield Part(name, kind, size, documents.READERS[kind](file, size))
        yield from _attached(file, name, size, kind, budget, depth)
    else:
        raise CannotRead("unsupported", f"format {kind} has no reader")


def _attached(file: BinaryIO, name: str, size: int, kind: str, budget: Budget, depth: int) -> Found:  # noqa: ARG001
    for inner, data in documents.attachments(file, kind, pictures=budget.pictures):
        if depth < DEPTH_MAX and budget.take(len(data)):
            yield from parts_of(io.BytesIO(data), f"{name}!{inner}", len(data), budget, depth + 1)
        else:
            yield Unread(
                f"{name}!{inner}", "over_limit", "nested too deep, or too much altogether", len(data)
            )


def _stream(file: BinaryIO, name: str, size: int, kind: str, budget: Budget, depth: int) -> Found:
    """One compressed stream: what is inside is the member."""
    inner: IO[bytes]
    if kind == "zst":
        import zstandard

        inner = cast(IO[bytes], zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
    else:
        inner = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}[kind](file)  # type: ignore[operator]  # same shape
    with _Spooled(inner, budget) as (copy, length, cut):
        inside = name + "!" + _inner_name(name, kind)
        yield from _of_container(parts_of(copy, inside, length, budget, depth + 1), size, length)
        if cut is not None:
            yield Unread(inside, cut.reason, cut.detail, max(1, size // 2) if length else size)


class _Spooled:
    """A copy of a stream that can be sought; what was got before an error is kept, and the error told."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream, self._budget = stream, budget
        self._copy = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115

    def __enter__(self) -> tuple[BinaryIO, int, CannotRead | None]:
        length, error = 0, None
        while True:
            try:
                piece = self._stream.read(COPY_BYTES)
            except (
                OSError,
                EOFError,
                zlib.error,
                lzma.LZMAError,
                zipfile.BadZipFile,
                RuntimeError,
                ValueError,
            ) as broken:
                error = CannotRead(_why(broken), short(broken))
                break
            except Exception as broken:  # noqa: BLE001
                # zstandard's and libarchive's errors share no parent with the others.
                error = CannotRead("damaged", short(broken))
                break
            if not piece:
                break
            self._copy.write(piece)
            length += len(piece)
            if not self._budget.take(len(piece)) or length > MEMBER_BYTES_MAX * 50:
                error = CannotRead("over_limit", f"unpacking stopped after {length} bytes: looks like a bomb")
                break
        self._copy.seek(0)
        return cast(BinaryIO, self._copy), length, error

    def __exit__(self, *exc: object) -> None:
        self._copy.close()


def _why(error: Exception) -> Reason:
    text = str(error).lower()
    return "encrypted" if "password" in text or "encrypt" in text or "passphrase" in text else "damaged"


def _inner_name(name: str, kind: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1].rsplit("!", 1)[-1]
    endings = {"gz": (".gz", ".tgz"), "bz2": (".bz2",), "xz": (".xz",), "zst": (".zst",)}[kind]
    ending = next((e for e in endings if last.lower().endswith(e)), "")
    return (last.removesuffix(last[len(last) - len(ending) :]) if ending else last) or "data"


def _zip(file: BinaryIO, name: str, size: int, kind: str, budget: Budget, depth: int) -> Found:  # noqa: ARG001
    archive = zipfile.ZipFile(file)
    for info in archive.infolist():
        inside = f"{name}!{_zip_name(info)}"
        budget.members += 1
        if info.is_dir():
            continue
        if info.flag_bits & 1:
            yield Unread(inside, "encrypted", "under a password", info.compress_size)
            continue
        try:
            stream = archive.open(info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            yield Unread(inside, "damaged", short(error), info.compress_size)
            continue
        yield from _member(stream, inside, info.compress_size, budget, depth)


def _zip_name(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & 0x800:
        return info.filename
    # Without the flag the bytes are in the maker's code page; here that was GBK.
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename


def _tar(file: BinaryIO, name: str, size: int, kind: str, budget: Budget, depth: int) -> Found:  # noqa: ARG001
    with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
        for info in archive:
            budget.members += 1
            stream = archive.extractfile(info) if info.isreg() else None
            if stream is not None:
                yield from _member(stream, f"{name}!{info.name}", info.size, budget, depth)


def _foreign(file: BinaryIO, name: str, size: int, kind: str, budget: Budget, depth: int) -> Found:  # noqa: ARG001
    total = lost = 0
    for inner, length, stream, problem in packed.members(file, kind):
        inside = f"{name}!{inner}"
        budget.members += 1
        total += length
        if problem is not None:
            lost += length
            yield Unread(inside, problem.reason, problem.detail, -length)
        else:
            yield from _member(stream, inside, -1, budget, depth)


def _image(file: BinaryIO, name: str, size: int, kind: str, budget: Budget, depth: int) -> Found:
    """A disk image: its files, and what none of them holds."""
    if kind == "e01" and images.segment_of(head_of(file)) > 1:
        if not images.first_segment_of(name):
            raise CannotRead("damaged", "a later segment of an E01 image whose first is not beside it")
        # Its bytes are read with those of the first segment.
        yield Part(name, kind, size, iter(()))
        return
    image = images.Image(file, kind, size)

    def stored(length: int) -> int:
        return length * image.stored // max(1, image.size)

    for found in image.members():
        budget.members += 1
        inside = f"{name}!{found.member if isinstance(found, Unread) else found.name}"
        if isinstance(found, Unread):
            yield Unread(inside, found.reason, found.detail, stored(found.bytes))
        else:
            content = cast(IO[bytes], found.content)
            yield from _member(content, inside, stored(found.size), budget, depth)
    left = image.left()
    length = sum(end - start for start, end in left)
    yield Part(f"{name}!(no file)", CARVED, length, carved(image.read, left), stored(length))


_ARCHIVES: Final[dict[str, Callable[..., Found]]] = {
    "zip": _zip,
    "tar": _tar,
    "7z": _foreign,
    "rar": _foreign,
    "disk_image": _image,
    "e01": _image,
}


def _member(stream: IO[bytes], inside: str, packed_size: int, budget: Budget, depth: int) -> Found:
    with _Spooled(stream, budget) as (copy, length, cut):
        stream.close()
        if length:
            yield from _of_container(parts_of(copy, inside, length, budget, depth + 1), packed_size, length)
        if cut is not None:
            yield Unread(inside, cut.reason, cut.detail, packed_size)


def _of_container(parts: Found, packed_size: int, length: int) -> Found:
    """Parts of a member, their sizes told in bytes of the container (negative: the container does not
    say).
    """
    for part in parts:
        if isinstance(part, Part):
            part.packed = packed_size if part.packed < 0 else part.packed * packed_size // max(1, length)
            yield part
        else:
            share = abs(part.bytes) * packed_size // max(1, length) if packed_size >= 0 else -abs(part.bytes)
            yield Unread(part.member, part.reason, part.detail, share)
