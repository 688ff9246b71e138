"""What the API says when something is wrong: RFC 9457 problem details, one table of kinds."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

MEDIA_TYPE: Final = "application/problem+json"
ERRORS_MAX: Final = 20
"""Field errors named in one answer; the rest is counted."""


class Kind(Struct, frozen=True):
    """One kind of problem: its status and title never change."""

    status: int
    title: str
    meaning: str


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "malformed-json": Kind(400, "The body is not JSON", "It cannot be read as one JSON value in UTF-8."),
        "bad-request": Kind(
            400, "The request is not acceptable", "A query, a header or HTTP itself is wrong."
        ),
        "unauthorized": Kind(401, "An API key is needed", "No key, or not a valid one, was presented."),
        "forbidden": Kind(403, "This key may not do this", "The key is valid and lacks the scope."),
        "not-found": Kind(404, "There is no such thing", "The address, or what it names, is not known."),
        "method-not-allowed": Kind(405, "This address has other methods", "`Allow` lists them."),
        "in-progress": Kind(
            409,
            "The same request is being worked on",
            "Its Idempotency-Key came while the first is under way.",
        ),
        "nothing-to-show": Kind(
            409,
            "There is no such bundle",
            "No such message, or more than one bundle holds; nothing was recorded.",
        ),
        "not-erased": Kind(
            409, "Nothing was erased", "A legal hold, or a message not yet sent, stands in the way."
        ),
        "too-large": Kind(413, "The body is too large", "Split the batch."),
        "unsupported-media-type": Kind(415, "The body has another type", "`detail` names the type wanted."),
        "invalid-fields": Kind(
            422,
            "Some fields are wrong",
            "`errors` lists each with a JSON pointer (RFC 6901). Nothing was done.",
        ),
        "registry-invalid": Kind(
            422, "The registry would not be consistent", "`errors` lists everything. Nothing was changed."
        ),
        "refused": Kind(
            422, "The message was refused", "Reviewed, recorded and refused; `codes` names the findings."
        ),
        "key-used-otherwise": Kind(
            422, "This Idempotency-Key belongs to another request", "Same key, other body: use a new key."
        ),
        "too-many-failures": Kind(429, "Too many wrong keys", "From this address; wait for `Retry-After`."),
        "throttled": Kind(
            429, "Faster than agreed", "The customer's messages per second; wait `Retry-After`."
        ),
        "overloaded": Kind(429, "The gateway is busy", "Nothing was accepted; wait for `Retry-After`."),
        "internal-error": Kind(
            500, "The gateway made a mistake", "It was logged; nothing is known to be done."
        ),
        "not-recorded": Kind(
            503, "The decision could not be recorded", "Not known to be done; send it again later."
        ),
        "witnesses-missing": Kind(
            503, "Too few witnesses answered", "A bundle needs their quorum; nothing was handed over."
        ),
        "not-ready": Kind(503, "The gateway is not ready", "`detail` says what is missing."),
    }
)

_SLUGS_OF_STATUS: Final = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    429: "overloaded",
    503: "not-ready",
}


class FieldError(Struct, frozen=True):
    """One thing wrong with one field."""

    pointer: Annotated[str, Meta(description="Where: JSON pointer (RFC 6901), or ?name, or a header's name.")]
    detail: Annotated[str, Meta(description="The limit, and what to do.")]


class ProblemDetails(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details."""

    type: Annotated[str, Meta(description="urn:tideng:problem: and the kind.")]
    title: str
    status: int
    detail: str
    codes: Annotated[tuple[str, ...], Meta(description="Finding codes, strongest first.")] = ()
    errors: tuple[FieldError, ...] = ()
    id: Annotated[str, Meta(description="Of a refused message.")] = ""
    position: Annotated[int, Meta(description="Ledger index of the refusal.")] = -1


_encode: Final = msgspec.json.Encoder().encode


class Problem(Exception):
    """Answer with this problem. `slug` is one of `KINDS`; nothing personal belongs into `detail`."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        codes: tuple[str, ...] = (),
        message_id: str = "",
        position: int = -1,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.status = KINDS[slug].status
        self.headers = headers
        self.details = ProblemDetails(
            type=f"urn:tideng:problem:{slug}",
            title=KINDS[slug].title,
            status=self.status,
            detail=detail,
            codes=codes,
            errors=tuple(errors[:ERRORS_MAX]),
            id=message_id,
            position=position,
        )

    def body(self) -> bytes:
        """The answer's body, `application/problem+json`."""
        return _encode(self.details)


def fields_problem(errors: Sequence[FieldError], slug: str = "invalid-fields") -> Problem:
    """Everything wrong with a request at once."""
    more = len(errors) - ERRORS_MAX
    detail = f"{len(errors)} problem(s) in the request; correct them and send it again"
    if more > 0:
        detail += f". The first {ERRORS_MAX} are listed"
    return Problem(slug, detail, errors=errors)


def problem_of_status(status: int, detail: str) -> Problem:
    """What the framework refused, in our words."""
    slug = _SLUGS_OF_STATUS.get(status, "bad-request" if status < 500 else "internal-error")
    return Problem(slug, detail)
