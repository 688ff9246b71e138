"""What the index calls a number: a name that only the key's holder can make, and anyone can check.

A keyed hash would do to hide numbers, but the holder could give one person two names and so hide entries.
So the name comes from a verifiable random function, ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381): for one public
key and one number there is exactly one point Γ, and the proof shows it. The name is a hash of Γ's u
coordinate, which OpenSSL's X25519 computes in some 50 µs; the proof, slow here, is made for bundles only.
Γ and −Γ share u, and Γ is unique, so the name is too.
"""

from hashlib import sha256, sha512
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tideng.evidence.verifier import curve
from tideng.evidence.verifier.curve import P, Q

NAME_DOMAIN: Final = b"tideng/index/name/1\n"
LABEL_DOMAIN: Final = b"tideng/index/label/1\n"
SEALING_DOMAIN: Final = b"tideng/index/number/1\n"
SALT_DOMAIN: Final = b"tideng/index/salt/1\n"


class NameKey:
    """The secret side: names, and proofs of names. `seed`: 32 secret bytes, as an Ed25519 key's."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        expanded = sha512(seed).digest()
        self.public: bytes = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        scalar = bytearray(expanded[:32])
        scalar[0] &= 248
        scalar[31] = scalar[31] & 127 | 64
        self._scalar = int.from_bytes(scalar, "little")
        self._prefix = expanded[32:]
        self._exchange = X25519PrivateKey.from_private_bytes(bytes(scalar))
        self._salts = sha256(SALT_DOMAIN + seed).digest()
        self.sealing: bytes = sha256(SEALING_DOMAIN + seed).digest()
        """Key under which numbers wait until their name is needed."""

    def name(self, number: str) -> bytes:
        """32 bytes that stand for a number in this ledger, for ever."""
        u = _u_of_cleared(self.public, octets_of(number))
        return name_of(self._exchange.exchange(X25519PublicKey.from_public_bytes(u)))

    def prove(self, number: str) -> bytes:
        """80 bytes that show anyone with the public key which name is this number's (RFC 9381 §5.1)."""
        h = curve.encode_to_curve(self.public, octets_of(number))
        if h is None:
            raise ValueError("no point was found for this number in 256 tries")
        h_octets = curve.encode(h)
        gamma = curve.times(self._scalar, h)
        k = int.from_bytes(sha512(self._prefix + h_octets).digest(), "little") % Q
        points = (h, gamma, curve.times(k, curve.BASE), curve.times(k, h))
        challenge = curve.SUITE + b"\x02" + self.public + b"".join(map(curve.encode, points)) + b"\x00"
        c = sha512(challenge).digest()[:16]
        s = (k + int.from_bytes(c, "little") * self._scalar) % Q
        return curve.encode(gamma) + c + s.to_bytes(32, "little")

    def salt(self, label: bytes) -> bytes:
        """32 bytes that hide what one label's leaf of the index holds."""
        return sha256(self._salts + label).digest()


def octets_of(number: str) -> bytes:
    """What is hashed of a number. It may be anything that was typed: half a character has octets."""
    return number.encode("utf-8", "surrogatepass")


def text_of(octets: bytes) -> str:
    """The number whose `octets_of` these are."""
    return octets.decode("utf-8", "surrogatepass")


def name_of(u: bytes) -> bytes:
    """The name that belongs to Γ's u coordinate."""
    return sha256(NAME_DOMAIN + u).digest()


def label_of(name: bytes, first: int) -> bytes:
    """What a name is called in the interval that begins at entry `first`: no two intervals can be linked."""
    return sha256(LABEL_DOMAIN + name + first.to_bytes(8, "big")).digest()


def _u_of_cleared(salt: bytes, alpha: bytes) -> bytes:
    """The u coordinate of 8·(the first point tried for `alpha`); Montgomery arithmetic, much faster."""
    for counter in range(curve.TRIES_MAX):
        hashed = sha512(curve.SUITE + b"\x01" + salt + alpha + bytes([counter]) + b"\x00").digest()[:32]
        y = int.from_bytes(hashed, "little") & (2**255 - 1)
        if not _is_on_curve(y, int.from_bytes(hashed, "little") >> 255):
            continue
        x, z = (1 + y) % P, (1 - y) % P
        for _ in range(3):  # RFC 7748 §5: doubling needs u alone
            total, difference = (x + z) * (x + z) % P, (x - z) * (x - z) % P
            spread = (total - difference) % P
            x, z = total * difference % P, spread * (difference + 121666 * spread) % P
        return (x * pow(z, -1, P) % P).to_bytes(32, "little")
    raise ValueError("no point was found for this number in 256 tries")


def _is_on_curve(y: int, sign: int) -> bool:
    if y >= P:
        return False
    u, v = (y * y - 1) % P, (curve.D * y * y + 1) % P
    if u == 0:
        return not sign
    return pow(u * v % P, (P - 1) // 2, P) == 1  # u/v is a square exactly if u·v is
