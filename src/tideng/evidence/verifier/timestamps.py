"""Step 8: RFC 3161 time-stamp tokens, verified against root certificates, with integers and hashes alone.

Read: TimeStampResp, CMS SignedData (RFC 5652), TSTInfo, X.509 as far as a time-stamper's chain needs it.
Signatures: RSA PKCS #1 v1.5, and ECDSA on P-256 and P-384; hashes: SHA-256, -384, -512.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Final

from tideng.evidence.verifier.parts import Failed, need

HASHES: Final = {
    "608648016503040201": "sha256",
    "608648016503040202": "sha384",
    "608648016503040203": "sha512",
}
RSA: Final = {"2a864886f70d01010b": "sha256", "2a864886f70d01010c": "sha384", "2a864886f70d01010d": "sha512"}
ECDSA: Final = {"2a8648ce3d040302": "sha256", "2a8648ce3d040303": "sha384", "2a8648ce3d040304": "sha512"}
RSA_KEY: Final = "2a864886f70d010101"
EC_KEY: Final = "2a8648ce3d0201"
SIGNED_DATA: Final = "2a864886f70d010702"
TST_INFO: Final = "2a864886f70d0109100104"
CONTENT_TYPE: Final = "2a864886f70d010903"
MESSAGE_DIGEST: Final = "2a864886f70d010904"
SIGNING_CERT: Final = "2a864886f70d010910020c"
SIGNING_CERT_2: Final = "2a864886f70d010910022f"
EXTENDED_USE: Final = "551d25"
BASIC: Final = "551d13"
TIME_STAMPING: Final = "2b06010505070308"
CHAIN_MAX: Final = 8
CURVES: Final = {  # (p, a, b, order, generator), SEC 2
    "2a8648ce3d030107": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        -3,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        (
            0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
            0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
        ),
    ),
    "2b81040022": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        -3,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        (
            0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
            0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
        ),
    ),
}


class Stamped:
    """A token that holds: the time it says, and the fingerprint of the root that vouches for it."""

    def __init__(self, time: str, root: str) -> None:
        self.time, self.root = time, root


class Der:
    """One element of DER: its tag, its content, and all its octets."""

    def __init__(self, tag: int, content: bytes, whole: bytes) -> None:
        self.tag, self.content, self.whole = tag, content, whole

    def inside(self, tag: int | None = None) -> list["Der"]:
        """The elements it is made of."""
        need(tag is None or self.tag == tag, "a token's structure is not as expected")
        return [*elements(self.content)]


def elements(octets: bytes) -> Iterator[Der]:
    """The elements that follow one another in these octets."""
    at = 0
    while at < len(octets):
        need(at + 2 <= len(octets) and octets[at] & 31 != 31, "malformed DER")
        length, begin = octets[at + 1], at + 2
        if length & 128:
            count = length & 127
            need(1 <= count <= 4 and begin + count <= len(octets), "malformed DER length")
            length = int.from_bytes(octets[begin : begin + count], "big")
            begin += count
        need(begin + length <= len(octets), "DER is cut short")
        yield Der(octets[at], octets[begin : begin + length], octets[at : begin + length])
        at = begin + length


def one(octets: bytes) -> Der:
    """The one element these octets are."""
    found = [*elements(octets)]
    need(len(found) == 1, "more or less than one DER element")
    return found[0]


def at(parts: list[Der], index: int) -> Der:
    """One part of a structure."""
    need(index < len(parts), "a token's structure is not as expected")
    return parts[index]


class Certificate:
    """As much of an X.509 certificate as a chain needs."""

    def __init__(self, der: bytes) -> None:
        self.der = der
        outer = one(der).inside(0x30)
        body = at(outer, 0)
        fields = body.inside(0x30)
        fields = fields[1:] if at(fields, 0).tag == 0xA0 else fields
        self.signed, self.algorithm = body.whole, _oid(at(at(outer, 1).inside(0x30), 0))
        self.signature = _bits(at(outer, 2))
        self.serial, self.issuer = at(fields, 0).content, at(fields, 2).whole
        validity = at(fields, 3).inside(0x30)
        self.begins, self.ends = _time(at(validity, 0)), _time(at(validity, 1))
        self.subject, self.key = at(fields, 4).whole, at(fields, 5)
        self.extensions: dict[str, bytes] = {}
        for field in fields[6:]:
            if field.tag == 0xA3:
                for extension in at(field.inside(), 0).inside(0x30):
                    parts = extension.inside(0x30)
                    self.extensions[_oid(at(parts, 0))] = parts[-1].content

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, hex."""
        return hashlib.sha256(self.der).hexdigest()

    def is_authority(self) -> bool:
        """Whether it may issue certificates."""
        basic = self.extensions.get(BASIC)
        if basic is None:
            return False
        parts = one(basic).inside(0x30)
        return bool(parts) and parts[0].tag == 1 and parts[0].content == b"\xff"

    def may_stamp(self) -> bool:
        """Whether it is for time-stamping, and for nothing else."""
        use = self.extensions.get(EXTENDED_USE)
        return use is not None and [_oid(each) for each in one(use).inside(0x30)] == [TIME_STAMPING]


def verify_timestamp(response: bytes, stamped: bytes, roots_pem: bytes) -> Stamped:
    """The time at which an authority under one of the roots saw `stamped`; `Failed` if it did not."""
    given = [Certificate(der) for der in _pem(roots_pem)]
    roots = [each for each in given if each.subject == each.issuer]
    need(roots, "there is no root certificate")
    answer = one(response).inside(0x30)
    status = at(at(answer, 0).inside(0x30), 0).content
    need(status in (b"\x00", b"\x01"), "the authority refused to stamp")
    token = at(answer, 1).inside(0x30)
    need(_oid(at(token, 0)) == SIGNED_DATA, "the token is not signed data")
    fields = at(at(token, 1).inside(0xA0), 0).inside(0x30)
    content = at(fields, 2).inside(0x30)
    need(_oid(at(content, 0)) == TST_INFO, "the token holds something else than a time")
    info = at(at(content, 1).inside(0xA0), 0)
    need(info.tag == 4, "the token's content is malformed")
    certificates = [
        Certificate(each.whole)
        for field in fields[3:]
        if field.tag == 0xA0
        for each in field.inside()
        if each.tag == 0x30
    ]
    signers = at(fields, len(fields) - 1).inside(0x31)
    need(len(signers) == 1, "the token has not exactly one signer")
    when = _check_info(info.content, stamped)
    signer = _check_signer(signers[0], info.content, [*certificates, *given])
    need(signer.may_stamp(), "the signer's certificate is not one for time-stamping")
    root = _check_chain(signer, [*certificates, *given], roots, when)
    return Stamped(
        f"{when[:4]}-{when[4:6]}-{when[6:8]}T{when[8:10]}:{when[10:12]}:{when[12:14]}Z", root.fingerprint
    )


def _check_info(info: bytes, stamped: bytes) -> str:
    parts = one(info).inside(0x30)
    imprint = at(parts, 2).inside(0x30)
    name = HASHES.get(_oid(at(at(imprint, 0).inside(0x30), 0)), "")
    need(name, "the token uses a hash that is not known here")
    need(
        at(imprint, 1).content == hashlib.new(name, stamped).digest(), "the token is over another checkpoint"
    )
    return _time(at(parts, 4))


def _check_signer(signer: Der, info: bytes, certificates: list[Certificate]) -> Certificate:
    parts = signer.inside(0x30)
    identity = at(parts, 1).inside(0x30)
    issuer, serial = at(identity, 0).whole, at(identity, 1).content
    mine = [each for each in certificates if each.issuer == issuer and each.serial == serial]
    need(mine, "the signer's certificate is not here")
    hashed = HASHES.get(_oid(at(at(parts, 2).inside(0x30), 0)), "")
    attributes = at(parts, 3)
    need(hashed and attributes.tag == 0xA0, "the token's signed attributes are missing")
    said = {
        _oid(at(each.inside(0x30), 0)): at(at(each.inside(0x30), 1).inside(0x31), 0)
        for each in attributes.inside()
    }
    need(MESSAGE_DIGEST in said and CONTENT_TYPE in said, "the token's signed attributes are missing")
    need(_oid(said[CONTENT_TYPE]) == TST_INFO, "the signature is over another kind of content")
    need(
        said[MESSAGE_DIGEST].content == hashlib.new(hashed, info).digest(),
        "the token's time is not the one signed",
    )
    _check_named(said, mine[0])
    signed = b"\x31" + attributes.whole[1:]  # RFC 5652 §5.4: signed as a SET, stored with another tag
    algorithm = _oid(at(at(parts, 4).inside(0x30), 0))
    need(
        _signed(mine[0], algorithm, signed, at(parts, 5).content, hashed),
        "the token's signature does not hold",
    )
    return mine[0]


def _check_named(said: dict[str, Der], signer: Certificate) -> None:
    """The signature names the certificate it was made for (RFC 3161 §2.4.1, RFC 5816)."""
    if SIGNING_CERT_2 in said:
        named = at(at(said[SIGNING_CERT_2].inside(0x30), 0).inside(0x30), 0).inside(0x30)
        name = "sha256"
        if at(named, 0).tag == 0x30:
            name, named = HASHES.get(_oid(at(named[0].inside(), 0)), ""), named[1:]
        need(name, "the token names its signer with an unknown hash")
        right = hashlib.new(name, signer.der).digest()
    else:
        need(SIGNING_CERT in said, "the token does not name its signer")
        named = at(at(said[SIGNING_CERT].inside(0x30), 0).inside(0x30), 0).inside(0x30)
        right = hashlib.sha1(signer.der, usedforsecurity=False).digest()
    need(hmac.compare_digest(at(named, 0).content, right), "the token names another signer")


def _check_chain(
    signer: Certificate, others: list[Certificate], roots: list[Certificate], when: str
) -> Certificate:
    here = signer
    for _ in range(CHAIN_MAX):
        need(here.begins <= when <= here.ends, "a certificate was not valid at the time of the stamp")
        for root in roots:
            if root.der == here.der:
                return root
        above = _issuer_of(here, [*roots, *others])
        if above is None:
            break
        here = above
    raise Failed("the signer's certificate does not lead to one of the roots")


def _issuer_of(here: Certificate, known: list[Certificate]) -> Certificate | None:
    for each in known:
        may_be = each.subject == here.issuer and each.der != here.der and each.is_authority()
        if may_be and _signed(each, here.algorithm, here.signed, here.signature, ""):
            return each
    return None


def _signed(by: Certificate, algorithm: str, message: bytes, signature: bytes, hashed: str) -> bool:
    """Whether the key of `by` signed the message. `hashed`: where the algorithm itself does not say."""
    parts = by.key.inside(0x30)
    kind = at(parts, 0).inside(0x30)
    key = _bits(at(parts, 1))
    name = RSA.get(algorithm) or ECDSA.get(algorithm) or (hashed if algorithm == RSA_KEY else "")
    if not name:
        raise Failed("a signature's algorithm is not known here")
    if _oid(at(kind, 0)) == RSA_KEY and algorithm not in ECDSA:
        modulus, exponent = (int.from_bytes(each.content, "big") for each in one(key).inside(0x30))
        return _rsa(modulus, exponent, name, message, signature)
    if _oid(at(kind, 0)) == EC_KEY and algorithm in ECDSA:
        return _ecdsa(_oid(at(kind, 1)), key, hashlib.new(name, message).digest(), signature)
    raise Failed("a key's algorithm is not known here")


def _rsa(modulus: int, exponent: int, name: str, message: bytes, signature: bytes) -> bool:
    """RFC 8017 §8.2.2: what was signed is built anew and compared."""
    size = (modulus.bit_length() + 7) // 8
    if size < 256 or len(signature) != size:
        return False
    oid = bytes.fromhex(next(each for each, known in HASHES.items() if known == name))
    hashed = hashlib.new(name, message).digest()
    inner = b"\x30" + bytes([len(oid) + 4]) + b"\x06" + bytes([len(oid)]) + oid + b"\x05\x00"
    info = b"\x30" + bytes([len(inner) + len(hashed) + 2]) + inner + b"\x04" + bytes([len(hashed)]) + hashed
    padded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
    return pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big") == padded


def _ecdsa(curve: str, key: bytes, hashed: bytes, signature: bytes) -> bool:
    """SEC 1 §4.1.4."""
    if curve not in CURVES:
        raise Failed("a key's curve is not known here")
    p, a, b, n, generator = CURVES[curve]
    size = (p.bit_length() + 7) // 8
    if len(key) != 2 * size + 1 or key[0] != 4:
        return False
    x, y = int.from_bytes(key[1 : size + 1], "big"), int.from_bytes(key[size + 1 :], "big")
    numbers = one(signature).inside(0x30)
    if len(numbers) != 2 or (y * y - x * x * x - a * x - b) % p or max(x, y) >= p:
        return False
    r, s = (int.from_bytes(each.content, "big") for each in numbers)
    if not (0 < r < n and 0 < s < n):
        return False
    z = int.from_bytes(hashed, "big") >> max(0, 8 * len(hashed) - n.bit_length())
    inverse = pow(s, -1, n)
    left = _times(z * inverse % n, generator, p, a)
    point = _add(left, _times(r * inverse % n, (x, y), p, a), p, a)
    return point is not None and point[0] % n == r


Affine = tuple[int, int] | None


def _add(one_point: Affine, other: Affine, p: int, a: int) -> Affine:
    if one_point is None or other is None:
        return one_point or other
    (x1, y1), (x2, y2) = one_point, other
    if x1 == x2:
        if (y1 + y2) % p == 0:
            return None
        slope = (3 * x1 * x1 + a) * pow(2 * y1, -1, p) % p
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, p) % p
    x3 = (slope * slope - x1 - x2) % p
    return x3, (slope * (x1 - x3) - y1) % p


def _times(scalar: int, point: Affine, p: int, a: int) -> Affine:
    total: Affine = None
    for bit in bin(scalar)[2:]:
        total = _add(total, total, p, a)
        if bit == "1":
            total = _add(total, point, p, a)
    return total


def _oid(element: Der) -> str:
    need(element.tag == 6, "a token's structure is not as expected")
    return element.content.hex()


def _bits(element: Der) -> bytes:
    need(element.tag == 3 and element.content[:1] == b"\x00", "a token's structure is not as expected")
    return element.content[1:]


def _time(element: Der) -> str:
    """YYYYMMDDHHMMSS, UTC; fractions of a second are left out."""
    text = element.content.decode("latin-1")
    if element.tag == 0x17:
        text = ("20" if text[:2] < "50" else "19") + text
    need(
        element.tag in (0x17, 0x18) and re.fullmatch(r"[0-9]{14}(\.[0-9]+)?Z", text, re.ASCII),
        "a time is malformed",
    )
    return text[:14]


def _pem(text: bytes) -> list[bytes]:
    found = re.findall(rb"-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----", text)
    try:
        return [base64.b64decode(b"".join(each.split()), validate=True) for each in found]
    except ValueError as error:
        raise Failed("a root certificate is malformed") from error
