"""edwards25519 in plain integers: Ed25519 signatures (RFC 8032) and ECVRF proofs (RFC 9381). Verifying only.

Nothing here is secret, so nothing here needs to take the same time for every input.
"""

from hashlib import sha512

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
SUITE = b"\x03"
"""ECVRF-EDWARDS25519-SHA512-TAI."""
TRIES_MAX = 256

Point = tuple[int, int, int, int]
ZERO: Point = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    """The sum of two points in extended coordinates (RFC 8032 §5.1.4)."""
    left = (a[1] - a[0]) * (b[1] - b[0]) % P
    right = (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = right - left, d - c, d + c, right + left
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def double(a: Point) -> Point:
    """Twice a point."""
    x2, y2 = a[0] * a[0] % P, a[1] * a[1] % P
    h = x2 + y2
    e = h - (a[0] + a[1]) * (a[0] + a[1]) % P
    g, f = x2 - y2, 0
    f = 2 * a[2] * a[2] % P + g
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar: int, point: Point) -> Point:
    """`scalar` times `point`."""
    table = [ZERO, point]
    for _ in range(14):
        table.append(add(table[-1], point))
    total = ZERO
    for shift in range((scalar.bit_length() + 3) // 4 * 4 - 4, -4, -4):
        total = double(double(double(double(total))))
        nibble = scalar >> shift & 15
        if nibble:
            total = add(total, table[nibble])
    return total


def negative(a: Point) -> Point:
    """The point's inverse."""
    return (P - a[0], a[1], a[2], P - a[3])


def is_equal(a: Point, b: Point) -> bool:
    """Whether two points are the same."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def encode(a: Point) -> bytes:
    """32 bytes, as RFC 8032 §5.1.2."""
    inverse = pow(a[2], -1, P)
    x, y = a[0] * inverse % P, a[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(octets: bytes) -> Point | None:
    """The point of 32 bytes, or None (RFC 8032 §5.1.3). Only the canonical spelling counts."""
    if len(octets) != 32:
        return None
    y = int.from_bytes(octets, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == P - u and u:
        x = x * ROOT % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def _must(octets: bytes) -> Point:
    point = decode(octets)
    if point is None:
        raise ValueError("not a point")
    return point


BASE = _must((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature holds (RFC 8032 §5.1.7, without the cofactor, as most software does)."""
    a = decode(public)
    if a is None or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= Q:
        return False
    k = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % Q
    return encode(add(times(s, BASE), times(k, negative(a)))) == signature[:32]


def encode_to_curve(salt: bytes, alpha: bytes) -> Point | None:
    """A point nobody knows the logarithm of (RFC 9381 §5.4.1.1, try and increment)."""
    for counter in range(TRIES_MAX):
        hashed = sha512(SUITE + b"\x01" + salt + alpha + bytes([counter]) + b"\x00").digest()[:32]
        point = decode(hashed)
        if point is not None:
            return times(8, point)
    return None


def gamma_of(public: bytes, alpha: bytes, proof: bytes) -> Point | None:
    """The one point that this key makes of `alpha`, if `proof` (80 bytes) shows it (RFC 9381 §5.3)."""
    y, gamma = decode(public), decode(proof[:32])
    if y is None or gamma is None or len(proof) != 80 or is_equal(times(8, y), ZERO):
        return None
    c, s = int.from_bytes(proof[32:48], "little"), int.from_bytes(proof[48:], "little")
    h = encode_to_curve(public, alpha)
    if h is None or s >= Q:
        return None
    u = add(times(s, BASE), times(c, negative(y)))
    v = add(times(s, h), times(c, negative(gamma)))
    challenge = SUITE + b"\x02" + public + b"".join(map(encode, (h, gamma, u, v))) + b"\x00"
    return gamma if sha512(challenge).digest()[:16] == proof[32:48] else None


def montgomery_u(a: Point) -> bytes:
    """The point's u coordinate on curve25519 (RFC 7748 §4.1), 32 bytes; a point and its inverse share it."""
    return ((a[2] + a[1]) * pow(a[2] - a[1], -1, P) % P).to_bytes(32, "little")
