"""Style, script and picture files of our own origin, under names that change with their content."""

from collections.abc import Mapping
from hashlib import sha256
from importlib import resources
from typing import Annotated, Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

_TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_NAME_DIGITS: Final = 12


class Assets:
    """The files of this room's `static` folder, read once."""

    def __init__(self) -> None:
        self._address: dict[str, str] = {}
        self._served: dict[str, tuple[bytes, str]] = {}
        for file in (resources.files("tideng.web") / "static").iterdir():
            stem, _, ending = file.name.rpartition(".")
            if ending in _TYPES:
                content = file.read_bytes()
                name = f"{stem}.{sha256(content).hexdigest()[:_NAME_DIGITS]}.{ending}"
                self._address[file.name] = f"/assets/{name}"
                self._served[name] = (content, _TYPES[ending])

    def address(self, name: str) -> str:
        """Where `name` is served. KeyError for a file that is not there."""
        return self._address[name]

    def content(self, served_name: str) -> tuple[bytes, str] | None:
        """The bytes and media type under a served name."""
        return self._served.get(served_name)


ASSETS: Final = Assets()


@get("/assets/{name:str}", sync_to_thread=False, include_in_schema=False)
def asset(name: Annotated[str, PathParameter()]) -> Response[bytes]:
    """One file; browsers may keep it for ever, because another content has another name."""
    found = ASSETS.content(name)
    if found is None:
        raise NotFoundException
    return Response(found[0], media_type=found[1], headers=_FOREVER)
