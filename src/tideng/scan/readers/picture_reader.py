"""`python -m tideng.scan.readers.picture_reader`: pictures in, what is written in them out.

A process of its own, because pictures come from strangers: it has limits on memory, and whoever asked kills
it when it takes too long. Needs the extra `ocr`; the models come with it, nothing is fetched from a network.
A question is its length (8 bytes, big-endian) and a picture; an answer is its length and JSON (`Answer`).
"""

import io
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

LENGTH_BYTES: Final = 8
MEMORY_BYTES_MAX: Final = 6_000_000_000
"""Of address space; half a gigabyte of it is really used."""
PIXELS_MAX: Final = 100_000_000
FRAMES_MAX: Final = 300
STRIP_PIXELS: Final = 1_800
"""A higher picture (a long screenshot) is read in strips: made smaller, it could not be read."""
OVERLAP_PIXELS: Final = 120
"""Strips share so much, and each line belongs to the strip that holds its middle."""
SURE_ENOUGH: Final = 0.5
"""Lines that are less certain than this are left out."""

Seen = tuple[float, float, float, str]
"""Middle from above, height and left side of a stretch of text, in pixels; and the text."""


class Answer(Struct, omit_defaults=True):
    """The lines of a picture from top to bottom, or why there are none."""

    lines: list[str] = []
    problem: str = ""
    is_over_limit: bool = False


def main() -> None:
    """Answer until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand between answers
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1})
    questions = sys.stdin.buffer
    while head := questions.read(LENGTH_BYTES):
        raw = msgspec.json.encode(_answer(engine, questions.read(int.from_bytes(head))))
        answers.write(len(raw).to_bytes(LENGTH_BYTES) + raw)
        answers.flush()


def _answer(engine: Any, data: bytes) -> Answer:  # Any: rapidocr has no types
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the limit is ours, below
    try:
        with Image.open(io.BytesIO(data)) as picture:
            lines: list[str] = []
            for number in range(min(getattr(picture, "n_frames", 1), FRAMES_MAX)):
                picture.seek(number)
                width, height = picture.size
                if width * height > PIXELS_MAX:
                    problem = f"{width} x {height} pixels; the limit is {PIXELS_MAX}"
                    return Answer(lines, problem, is_over_limit=True)
                lines += rows(_seen(engine, picture.convert("RGB")))
            return Answer(lines)
    except MemoryError:
        return Answer(problem=f"needs more than {MEMORY_BYTES_MAX} bytes of memory", is_over_limit=True)
    except Exception as error:  # noqa: BLE001
        # Decoders meet anything; their errors share no parent. The next picture may be sound.
        return Answer(problem=type(error).__name__)


def _seen(engine: Any, picture: Any) -> Iterator[Seen]:
    import numpy as np

    width, height = picture.size
    step = STRIP_PIXELS - OVERLAP_PIXELS
    for top in range(0, max(1, height - OVERLAP_PIXELS), step):
        bottom = min(height, top + STRIP_PIXELS)
        strip = np.asarray(picture.crop((0, top, width, bottom)))[:, :, ::-1]
        low = top + OVERLAP_PIXELS / 2 if top else 0
        high = bottom - OVERLAP_PIXELS / 2 if bottom < height else height
        found = engine(np.ascontiguousarray(strip))
        if found.boxes is None:
            continue
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
            across, down = box[:, 0], box[:, 1] + top
            middle = float(down.mean())
            if score >= SURE_ENOUGH and low <= middle < high:
                yield middle, float(down.max() - down.min()), float(across.min()), str(text)


def rows(seen: Iterator[Seen]) -> list[str]:
    """Stretches of one height are one line, from left to right: the cells of a table belong together."""
    lines: list[list[Seen]] = []
    for one in sorted(seen):
        if lines and one[0] - lines[-1][0][0] < 0.5 * min(one[1], lines[-1][0][1]):
            lines[-1].append(one)
        else:
            lines.append([one])
    return [" ".join(text for _, _, _, text in sorted(line, key=lambda cell: cell[2])) for line in lines]


if __name__ == "__main__":
    main()
