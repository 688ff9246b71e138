"""Secrets in files: made once, readable by their owner only, never logged."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

_FILE_BYTES_MAX = 64 * 1024


class KeyRefused(Exception):
    """The key file cannot be used as it is. The message names the file and what to do."""


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in `path` (PKCS #8 PEM, RFC 8410), made there if the file is absent.

    A new file is complete, synced and 0600 before it has its name. `KeyRefused` if others may read it, or
    if it holds anything else.
    """
    pem = _load_or_make(path, _fresh_pem)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyRefused(f"{path} does not hold an unencrypted PEM key. {_RESTORE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused(f"{path} holds a {type(key).__name__}, not an Ed25519 key. {_RESTORE}")
    return key


def secret_key(path: Path, length: int = 32) -> bytes:
    """`length` random bytes kept in `path`, made there if the file is absent. `KeyRefused` as above."""
    secret = _load_or_make(path, lambda: os.urandom(length))
    if len(secret) != length:
        raise KeyRefused(f"{path} holds {len(secret)} bytes; {length} are due. {_RESTORE}")
    return secret


_RESTORE = "Restore it from its backup: with another key, what was made with it can no longer be matched."


def _fresh_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _load_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    try:
        try:
            return _load(path)
        except FileNotFoundError:
            _make(path, make())
            return _load(path)  # if another process was first, its key is the one
    except OSError as error:
        raise KeyRefused(
            f"{path}: {error.strerror}. Make it readable for this user and nobody else."
        ) from error


def _load(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        if mode & 0o077:
            raise KeyRefused(
                f"{path} may be read or changed by others (mode {mode:04o}). Run: chmod 600 '{path}' - and "
                f"if others had access to this machine, treat the key as known to them."
            )
        return os.read(fd, _FILE_BYTES_MAX)
    finally:
        os.close(fd)


def _make(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            os.write(fd, content)
            os.fsync(fd)
        finally:
            os.close(fd)
        try:
            os.link(unfinished, path)  # unlike rename, never replaces a key that is already there
        except FileExistsError:
            return
    finally:
        os.unlink(unfinished)
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
