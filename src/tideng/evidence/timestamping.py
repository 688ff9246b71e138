"""RFC 3161 tokens over checkpoints: an outside authority saw the ledger in this state at this time.

A token is kept only if it verifies against the configured roots, here and now: one that a court's expert
would reject is worth nothing, and today it can still be asked for again.
"""

import sqlite3
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from tideng.evidence.checkpoint import open_checkpoint
from tideng.evidence.sqlite import SqliteLedger
from tideng.evidence.verifier.parts import Failed
from tideng.evidence.verifier.timestamps import verify_timestamp
from tideng.storage.sqlite import Writer

ANSWER_BYTES_MAX: Final = 200_000
ANSWER_S: Final = 20.0
QUERY: Final = "application/timestamp-query"


class NotStamped(Exception):
    """The authority did not answer, or its token does not hold. The message says what to look at."""


class Stamp(Struct, frozen=True):
    """A token that was checked and kept: over the checkpoint of `size`, at `time` as the authority says."""

    size: int
    time: str


Ask = Callable[[bytes], bytes]
"""A DER time-stamp query -> the authority's DER response. Raises `NotStamped`."""


def ask_over_http(url: str) -> Ask:
    """Asks an authority by HTTP (RFC 3161 §3.4)."""
    import httpx  # here and below: only where an authority is configured

    def ask(query: bytes) -> bytes:
        try:
            answer = httpx.post(
                url, content=query, headers={"Content-Type": QUERY}, timeout=ANSWER_S, follow_redirects=False
            )
        except httpx.HTTPError as error:
            raise NotStamped(f"{url} did not answer ({type(error).__name__}); is it reachable?") from error
        if answer.status_code != 200 or len(answer.content) > ANSWER_BYTES_MAX:
            raise NotStamped(f"{url} answered {answer.status_code} with {len(answer.content)} bytes")
        return answer.content

    return ask


class Timestamper:
    """Has the newest checkpoint stamped. Blocking: give it a thread."""

    def __init__(self, writer: Writer, ledger: SqliteLedger, ask: Ask, roots: bytes) -> None:
        """`roots`: PEM certificates of the authority's roots (and intermediates, if tokens lack them)."""
        self._writer, self._ledger, self._ask, self._roots = writer, ledger, ask, roots

    def stamp(self) -> Stamp | None:
        """Stamp the newest checkpoint, if it is not yet. Raises `NotStamped`; nothing is kept then."""
        note = self._ledger.latest_checkpoint()
        if note is None:
            return None
        size = open_checkpoint(note, self._ledger.origin, [self._ledger.verifier]).size
        if self._writer.call(lambda conn: _is_stamped(conn, size)):
            return None
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

        request = TimestampRequestBuilder(data=note, hash_algorithm=HashAlgorithm.SHA256).build()
        response = self._ask(request.as_bytes())
        time = self._check(response, note)

        def keep(conn: sqlite3.Connection) -> None:
            conn.execute(
                "INSERT OR IGNORE INTO timestamp_token (size, at, note, token) VALUES (?, ?, ?, ?)",
                (size, self._ledger.now(), note, response),
            )

        self._writer.call(keep)
        return Stamp(size, time)

    def _check(self, response: bytes, note: bytes) -> str:
        """By Trail of Bits' client and by our own verifier: what one of them refuses is not kept."""
        from cryptography import x509
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

        try:
            decoded = decode_timestamp_response(response)
            builder = VerifierBuilder()
            for certificate in x509.load_pem_x509_certificates(self._roots):
                is_root = certificate.subject == certificate.issuer
                add = builder.add_root_certificate if is_root else builder.add_intermediate_certificate
                builder = add(certificate)
            builder.build().verify_message(decoded, note)
            return verify_timestamp(response, note, self._roots).time
        except (VerificationError, ValueError, Failed) as error:
            raise NotStamped(
                f"the token does not hold: {error}. Compare evidence.timestamp_roots."
            ) from error


def _is_stamped(conn: sqlite3.Connection, size: int) -> bool:
    return conn.execute("SELECT 1 FROM timestamp_token WHERE size = ?", (size,)).fetchone() is not None
