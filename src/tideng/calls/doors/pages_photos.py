"""Photographs from a visit: listed on the case's page, attached there, and downloaded as a recorded look."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from tideng.calls.cases import Visit
from tideng.calls.doors.pages_deps import DECIDES, HOME, PERSONAL, CallPagesDeps
from tideng.calls.photos import OCTETS_MAX, PHOTOS_MAX, SUBJECTS, SUFFIXES, Photo, PhotoInvalid, PhotoUnknown
from tideng.web.errors import NoSuchPage, UploadTooLarge
from tideng.web.moments import When, when
from tideng.web.shell import FORM_BYTES_MAX, Asked, Page, signed_in

UPLOAD_BYTES_MAX: Final = OCTETS_MAX + FORM_BYTES_MAX
"""A photograph and the form around it; no other page takes as much."""

UPLOADS_MAX: Final = 4
"""Read at the same time: each is held in memory three times over. Others wait."""

Find = Callable[[CallPagesDeps, str], Awaitable[Visit]]
Look = Callable[[CallPagesDeps, Asked, Visit], Awaitable[None]]
"""Records that somebody looks at what is personal in a case."""


class Refused(Struct, frozen=True):
    """Why what was sent was not attached."""

    problem: str
    """Empty: nothing was refused."""
    what: str
    """What was chosen for it to show."""
    status: int = HTTPStatus.UNPROCESSABLE_ENTITY


NOTHING_REFUSED: Final = Refused("", "", HTTPStatus.OK)
CasePage = Callable[[Asked, str, Refused], Awaitable[Page]]
"""The case's page, with what was refused said in words."""


class PhotoRow(Struct, frozen=True, kw_only=True):
    """One photograph in a case's list."""

    photo: Photo
    what: str
    """What it shows, in words; empty: something else."""
    at: When
    size: str


def photo_handlers(
    deps: CallPagesDeps, find: Find, look: Look, case_page: CasePage
) -> list[HTTPRouteHandler]:
    """Attaching and downloading. Attaching adds evidence and can be done by mistake without harm: it is
    recorded at once."""
    shell = deps.shell
    one_at_a_time = asyncio.Lock()
    few_at_a_time = asyncio.Semaphore(UPLOADS_MAX)

    @post(
        "/cases/{case:str}/photos",
        guards=[shell.requires(*DECIDES)],
        status_code=200,
        request_max_body_size=UPLOAD_BYTES_MAX,
    )
    async def attach(request: Asked, case: FromPath[str]) -> Response[str]:
        try:
            async with few_at_a_time:
                sent = await shell.read_upload(request, limit=UPLOAD_BYTES_MAX)
        except UploadTooLarge:
            too_large = Refused("too_large", "", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return await case_page(request, case, too_large)
        visit = await find(deps, case)
        octets, what = sent.files.get("photo", b""), sent.fields.get("what", "")
        who = signed_in(request).account.name
        async with one_at_a_time:
            try:
                is_new = await asyncio.to_thread(deps.attach, visit, octets, what, who)
            except PhotoInvalid as error:
                return await case_page(request, case, Refused(error.problem, what))
        done = urlencode({"done": "photo_new" if is_new else "photo_known"})
        return Redirect(f"{HOME}/cases/{visit.id}?{done}", status_code=303)

    @post("/cases/{case:str}/photos/{photo:str}", guards=[shell.requires(*PERSONAL)], status_code=200)
    async def download(request: Asked, case: FromPath[str], photo: FromPath[str]) -> Response[bytes]:
        """The octets as they came: a recorded look. To be kept, not shown: they are somebody else's file."""
        await shell.read_form(request)
        visit = await find(deps, case)
        try:
            found, octets = await asyncio.to_thread(deps.photos.get, visit.id, photo[:64])
        except PhotoUnknown as error:
            raise NoSuchPage from error
        await look(deps, request, visit)
        named = f'attachment; filename="photo-{found.id[:12]}.{SUFFIXES[found.kind]}"'
        headers = {
            "Content-Disposition": named,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(octets, media_type=found.kind, headers=headers)

    return [attach, download]


async def photo_values(
    deps: CallPagesDeps, visit: Visit, refused: Refused, *, is_chinese: bool
) -> dict[str, Any]:  # Any: whatever the template shows
    """What the case's page says about photographs."""
    kept = await asyncio.to_thread(deps.photos.of_case, visit.id)
    words = {name: both.split(" / ")[0 if is_chinese else 1] for name, both in SUBJECTS.items()}
    return {
        "attached": [
            PhotoRow(
                photo=photo,
                what=words.get(photo.what, ""),
                at=when(photo.at, deps.zone),
                size=f"{max(1, round(photo.size / 1_000)):,} kB",
            )
            for photo in kept
        ],
        "subjects": words,
        "refused": refused,
        "photo_limits": {"megabytes": OCTETS_MAX // 1_000_000, "most": PHOTOS_MAX},
    }
