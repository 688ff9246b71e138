"""What is written in pictures, read by OCR (extra `ocr`) in a process of its own."""

import atexit
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import IO, BinaryIO, Final, cast

import msgspec

from tideng.scan.readers.blocks import Block, CannotRead, text_block
from tideng.scan.readers.picture_reader import LENGTH_BYTES, Answer

SECONDS_MAX: Final = 120.0
"""One picture may take so long; a page of a document takes one to five seconds of one core."""
PICTURE_BYTES_MAX: Final = 200_000_000
ANSWER_BYTES_MAX: Final = 50_000_000
FORMAT: Final = "ocr"
"""How a member that was read from a picture is called in lists: what was read so may be misread."""
_PROGRAM: Final = "tideng.scan.readers.picture_reader"


def is_installed() -> bool:
    """True if pictures can be read here."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def picture_blocks(file: BinaryIO, size: int) -> Iterator[Block]:
    """The lines of one picture. CannotRead: no extra, no picture, over a limit."""
    if size > PICTURE_BYTES_MAX:
        raise CannotRead("over_limit", f"{size} bytes; a picture may have {PICTURE_BYTES_MAX}")
    file.seek(0)
    yield text_block(written_in(file.read(size)))


def written_in(data: bytes, seconds: float = SECONDS_MAX) -> str:
    """What is written in a picture, line by line. CannotRead as `picture_blocks`."""
    if not is_installed():
        raise CannotRead("needs_extra", "a picture; reading it needs the extra `ocr`")
    answer = _READER.answer(data, seconds)
    if answer.problem and not answer.lines:
        raise CannotRead("over_limit" if answer.is_over_limit else "damaged", answer.problem)
    return "".join(line + "\n" for line in answer.lines)


class _Reader:
    """The process that reads pictures: started at the first one, ended with this process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def answer(self, data: bytes, seconds: float) -> Answer:
        """Ask; a process that takes too long or dies is replaced at the next question."""
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = self._started()
        try:
            questions = cast(IO[bytes], process.stdin)
            questions.write(len(data).to_bytes(LENGTH_BYTES) + data)
            questions.flush()
            return msgspec.json.decode(self._answered(process, time.monotonic() + seconds), type=Answer)
        except TimeoutError:
            self._end(process)
            raise CannotRead("over_limit", f"reading the picture took more than {seconds:g} s") from None
        except (OSError, EOFError, msgspec.DecodeError):
            self._end(process)
            raise CannotRead("damaged", "the reader of pictures broke down over it") from None

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._end(self._process)

    def _started(self) -> subprocess.Popen[bytes]:
        # Without a window to the caller's terminal: Ctrl-C is for the scan, which ends its readers itself.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _answered(self, process: subprocess.Popen[bytes], until: float) -> bytes:
        head = self._taken(process, LENGTH_BYTES, until)
        length = int.from_bytes(head)
        if length > ANSWER_BYTES_MAX:
            raise EOFError
        return self._taken(process, length, until)

    def _taken(self, process: subprocess.Popen[bytes], size: int, until: float) -> bytes:
        answers = cast(IO[bytes], process.stdout).fileno()
        data = b""
        while len(data) < size:
            if not select.select([answers], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError
            more = os.read(answers, size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None


_READER: Final = _Reader()
atexit.register(_READER.close)
