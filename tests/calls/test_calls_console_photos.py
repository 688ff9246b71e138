"""Photographs at the calls console, over the real application and a real connection."""

import hashlib
import http.client
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from calls.desk import Desk, open_desk
from calls.pictures import JPEG, WEBP, png
from pages.house import PASSWORD
from tideng.calls.doors.pages_photos import UPLOAD_BYTES_MAX
from tideng.calls.photos import OCTETS_MAX, PHOTOS_MAX
from tideng.web.shell import FORM_BYTES_MAX


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("data") / "tideng") as opened:
        yield opened


@pytest.fixture
def case(desk: Desk) -> str:
    return next(desk.fresh)


class Person:
    """Somebody signed in, without a browser."""

    def __init__(self, address: str, name: str) -> None:
        self.client = httpx.Client(
            base_url=address, trust_env=False, headers={"Accept-Language": "en"}, timeout=60
        )
        token = self.token("/sign-in")
        fields = {"form_token": token, "name": name, "password": PASSWORD, "next": "/calls"}
        assert self.client.post("/sign-in", data=fields).status_code == 303

    def token(self, path: str) -> str:
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', self.client.get(path).text)
        assert found
        return found[1]

    def attach(
        self,
        case: str,
        octets: bytes,
        *,
        what: str = "box",
        token: str | None = None,
        name: str = "IMG_1.jpg",
    ) -> httpx.Response:
        fields = {"what": what, "form_token": self.token("/calls") if token is None else token}
        files = {"photo": (name, octets, "image/jpeg")}
        return self.client.post(f"/calls/cases/{case}/photos", data=fields, files=files)

    def download(self, case: str, id: str, token: str | None = None) -> httpx.Response:
        fields = {"form_token": self.token("/calls") if token is None else token}
        return self.client.post(f"/calls/cases/{case}/photos/{id}", data=fields)


@pytest.fixture
def sign_in(desk: Desk) -> Iterator[Any]:
    opened: list[Person] = []

    def start(name: str = "mei") -> Person:
        opened.append(Person(desk.address, name))
        return opened[-1]

    yield start
    for person in opened:
        person.client.close()


def id_of(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def test_a_reviewer_attaches_and_the_ledger_knows_it_once(desk: Desk, sign_in: Any, case: str) -> None:
    mei = sign_in()
    first, again = mei.attach(case, JPEG, what="wiring"), mei.attach(case, JPEG, what="box", name="other.png")
    assert [(one.status_code, one.headers["location"]) for one in (first, again)] == [
        (303, f"/calls/cases/{case}?done=photo_new"),
        (303, f"/calls/cases/{case}?done=photo_known"),
    ]
    assert desk.kept(case) == [(id_of(JPEG), "wiring", "mei")]
    [entry] = desk.entries("call_photo/1", alarm=case)
    assert entry.items() >= {"photo": id_of(JPEG), "by": "mei", "size": len(JPEG), "what": "wiring"}.items()
    page = mei.client.get(first.headers["location"]).text
    for said in ("The photograph is attached", "wiring", "mei", "1 kB", id_of(JPEG)[:12], "photos/"):
        assert said in page
    assert "has this photograph already" in mei.client.get(again.headers["location"]).text
    assert "<img" not in page.partition("<main")[2]


@pytest.mark.parametrize("name", ["lan", "ops"])
def test_others_attach_nothing(desk: Desk, sign_in: Any, case: str, name: str) -> None:
    person = sign_in(name)
    assert person.attach(case, JPEG).status_code == 403
    page = person.client.get(f"/calls/cases/{case}").text
    assert 'type="file"' not in page
    assert "Only reviewers attach photographs" in page
    assert (desk.kept(case), desk.entries("call_photo/1", alarm=case)) == ([], [])


def test_nobody_attaches_or_sees_without_signing_in(desk: Desk, case: str) -> None:
    with httpx.Client(base_url=desk.address, trust_env=False) as client:
        for path in ("photos", f"photos/{id_of(JPEG)}"):
            answer = client.post(f"/calls/cases/{case}/{path}", files={"photo": ("a.jpg", JPEG)})
            assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in")
    assert desk.kept(case) == []


@pytest.mark.parametrize("token", ["", "0" * 64, "灯"])
def test_without_this_sessions_token_nothing_is_attached_or_shown(
    desk: Desk, sign_in: Any, case: str, token: str
) -> None:
    mei = sign_in()
    answer = mei.attach(case, JPEG, token=token)
    assert answer.status_code == 403
    assert "This form is no longer valid" in answer.text
    assert desk.kept(case) == []
    mei.attach(case, JPEG)
    assert mei.download(case, id_of(JPEG), token=token).status_code == 403
    assert desk.entries("console/1", did="personal_shown", about=case) == []


def test_a_token_of_another_session_is_none(desk: Desk, sign_in: Any, case: str) -> None:
    mei, lan = sign_in(), sign_in("lan")
    assert mei.attach(case, JPEG, token=lan.token("/calls")).status_code == 403
    assert desk.kept(case) == []


def body(token: str, *parts: bytes) -> bytes:
    first = b'Content-Disposition: form-data; name="form_token"\r\n\r\n' + token.encode()
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in (first, *parts)) + b"--x--\r\n"


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("application/x-www-form-urlencoded", []),
        ("multipart/form-data", []),
        ("multipart/form-data; boundary=y", []),
        ("multipart/form-data; boundary=x", [b'Content-Disposition: form-data; name="a"\r\n\r\n\xff']),
        (
            "multipart/form-data; boundary=x",
            [
                b'Content-Disposition: form-data; name="a"\r\n'
                b"Content-Type: text/plain; charset=none-such\r\n\r\na"
            ],
        ),
        ("multipart/form-data; boundary=x", [b'Content-Disposition: form-data; name="a"\r\n\r\na'] * 60),
        ("multipart/form-data; boundary=x", [b"no header"]),
    ],
)
def test_what_is_no_form_of_ours_is_refused_not_failed(
    sign_in: Any, case: str, kind: str, parts: list[bytes]
) -> None:
    mei = sign_in()
    sent = body(mei.token("/calls"), *parts)
    answer = mei.client.post(f"/calls/cases/{case}/photos", content=sent, headers={"Content-Type": kind})
    assert answer.status_code == 403
    assert "This form is no longer valid" in answer.text


@pytest.mark.parametrize(
    ("octets", "said", "status"),
    [
        (b"a text renamed .jpg", "send the photograph as JPEG", 422),
        (b"", "Choose a photograph", 422),
        (JPEG.ljust(OCTETS_MAX + 1, b"\x00"), "of at most 12 MB", 422),
        (JPEG.ljust(UPLOAD_BYTES_MAX + 1, b"\x00"), "of at most 12 MB", 413),
    ],
)
def test_what_is_no_photograph_is_refused_in_words_beside_the_field(
    desk: Desk, sign_in: Any, case: str, octets: bytes, said: str, status: int
) -> None:
    mei = sign_in()
    answer = mei.attach(case, octets, what="papers")
    assert answer.status_code == status
    assert re.search(rf'<span class="error" id="photo-problem">[^<]*{said}', answer.text)
    assert 'aria-describedby="photo-hint photo-problem" aria-invalid="true"' in answer.text
    assert 'role="alert"' in answer.text
    assert "<title>Error: " in answer.text
    assert ('value="papers" selected' in answer.text) is (status == 422)
    assert (desk.kept(case), desk.entries("call_photo/1", alarm=case)) == ([], [])
    # The connection still serves, and the largest that may be is taken.
    assert mei.attach(case, JPEG.ljust(OCTETS_MAX, b"\x00")).status_code == 303


def test_a_body_that_does_not_say_how_long_it_is_ends_at_the_limit(
    desk: Desk, sign_in: Any, case: str
) -> None:
    mei = sign_in()

    def endless() -> Iterator[bytes]:
        head = b'Content-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
        yield b"--x\r\n" + head + JPEG
        for _ in range(UPLOAD_BYTES_MAX // 1_000_000 + 1):
            yield bytes(1_000_000)

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = mei.client.post(f"/calls/cases/{case}/photos", content=endless(), headers=kind)
    assert (answer.status_code, "of at most 12 MB" in answer.text) == (413, True)
    assert desk.kept(case) == []


def test_too_large_is_said_before_anything_is_read(desk: Desk, sign_in: Any, case: str) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in sign_in().client.cookies.items())
    line = http.client.HTTPConnection(desk.address.removeprefix("http://"), timeout=10)
    line.putrequest("POST", f"/calls/cases/{case}/photos")
    for name, value in (
        ("Cookie", cookies),
        ("Content-Type", "multipart/form-data; boundary=x"),
        ("Content-Length", str(UPLOAD_BYTES_MAX + 1)),
    ):
        line.putheader(name, value)
    line.endheaders()
    assert line.getresponse().status == 413
    line.close()


def test_every_other_form_stays_small(sign_in: Any, case: str) -> None:
    mei = sign_in()
    token = mei.token("/calls")
    for path in ("show", "check", f"photos/{id_of(JPEG)}"):
        fields = {"form_token": token, "note": "x" * FORM_BYTES_MAX}
        assert mei.client.post(f"/calls/cases/{case}/{path}", data=fields).status_code == 413, path


def test_a_subject_nobody_offered_and_too_many_are_refused(desk: Desk, sign_in: Any, case: str) -> None:
    mei = sign_in()
    answer = mei.attach(case, JPEG, what="<b>cat")
    assert (answer.status_code, 'id="what-problem"' in answer.text) == (422, True)
    assert "<b>cat" not in answer.text
    token = mei.token("/calls")
    for seed in range(PHOTOS_MAX):
        assert mei.attach(case, png(seed), what="", token=token).status_code == 303
    full = mei.attach(case, JPEG)
    assert (full.status_code, "has 24 photographs" in full.text) == (422, True)
    assert mei.attach(case, png(0)).headers["location"].endswith("photo_known")
    assert len(desk.kept(case)) == len(desk.entries("call_photo/1", alarm=case)) == PHOTOS_MAX


@pytest.mark.parametrize("name", ["mei", "lan"])
def test_a_download_is_a_recorded_look_at_the_same_octets(
    desk: Desk, sign_in: Any, case: str, name: str
) -> None:
    for octets, suffix, kind in ((JPEG, "jpg", "jpeg"), (png(), "png", "png"), (WEBP, "webp", "webp")):
        sign_in().attach(case, octets, name="box of Mrs Li.html")
        before = len(desk.entries("console/1", did="personal_shown", about=case, account=name))
        answer = sign_in(name).download(case, id_of(octets))
        assert (answer.status_code, answer.content) == (200, octets)
        wanted = {
            "content-type": f"image/{kind}",
            "content-disposition": f'attachment; filename="photo-{id_of(octets)[:12]}.{suffix}"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        assert answer.headers.items() >= wanted.items()
        looks = desk.entries("console/1", did="personal_shown", about=case, account=name)
        assert len(looks) == before + 1


def test_an_operator_sees_that_there_is_one_and_never_the_octets(desk: Desk, sign_in: Any, case: str) -> None:
    sign_in().attach(case, JPEG)
    ops = sign_in("ops")
    page = ops.client.get(f"/calls/cases/{case}").text
    assert id_of(JPEG)[:12] in page
    assert f"photos/{id_of(JPEG)}" not in page
    assert ops.download(case, id_of(JPEG)).status_code == 403
    assert desk.entries("console/1", did="personal_shown", about=case) == []


def test_what_is_not_there_is_not_found_and_no_look(desk: Desk, sign_in: Any, case: str) -> None:
    mei = sign_in()
    mei.attach(next(desk.fresh), JPEG)
    assert mei.download(case, id_of(JPEG)).status_code == 404
    assert mei.attach("none", JPEG).status_code == 404
    assert mei.client.get(f"/calls/cases/{case}/photos/{id_of(JPEG)}").status_code == 405
    assert desk.entries("console/1", did="personal_shown", about=case) == []
