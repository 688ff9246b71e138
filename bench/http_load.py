"""A small HTTP customer: batches of 100 to POST /v1/messages over a few keep-alive connections."""

import asyncio
import json
import time
from typing import Final

from msgspec import Struct

BATCH: Final = 100
CONNECTIONS: Final = 4
ANSWER_S: Final = 60.0


class Posted(Struct, frozen=True):
    """What the customer was answered."""

    accepted: int
    other: int
    elapsed_s: float

    @property
    def per_s(self) -> float:
        return self.accepted / self.elapsed_s if self.elapsed_s else 0.0


def body_of(start: int, count: int) -> bytes:
    """`count` numbered messages, each to a number of its own, as one request body."""
    messages = [
        {
            "to": f"86138{number:08d}",
            "text": f"hello #{number}# world, this is a benchmark message",
            "report": False,
        }
        for number in range(start, start + count)
    ]
    return json.dumps({"messages": messages}).encode()


async def post(port: int, token: str, *, start: int, count: int) -> Posted:
    """Send `count` messages (a multiple of 100). Bodies are made before the clock starts."""
    bodies = [body_of(first, BATCH) for first in range(start, start + count, BATCH)]
    bodies.reverse()
    answers: list[bytes] = []
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for reader, writer in streams:
            group.create_task(_work(reader, writer, token, bodies, answers))
    elapsed = time.perf_counter() - began
    for _, writer in streams:
        writer.close()
    # Judged after the clock: reading answers is the customer's own work.
    accepted = sum(_accepted(answer) for answer in answers)
    return Posted(accepted, count - accepted, elapsed)


async def _work(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    token: str,
    bodies: list[bytes],
    answers: list[bytes],
) -> None:
    while bodies:
        body = bodies.pop()
        head = (
            f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        async with asyncio.timeout(ANSWER_S):
            answers.append(await _answer(reader))


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return await reader.readexactly(length)


def _accepted(answer: bytes) -> int:
    # A refusal of the whole request is a problem document, which has no messages.
    return sum(one["action"] == "send" for one in json.loads(answer).get("results", ()))
