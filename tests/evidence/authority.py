"""A time-stamping authority of our own: a root, a stamping certificate, and openssl that answers queries."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OPTIONS = ["-config", "tsa.cnf", "-section", "one", "-queryfile", "query", "-out", "out"]
CONFIG = """
[ tsa ]
default_tsa = one
[ one ]
dir = {folder}
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
clock_precision_digits = 0
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """Answers RFC 3161 queries. `elliptic`: P-256 keys instead of RSA."""

    def __init__(self, folder: Path, *, elliptic: bool = False) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._elliptic = elliptic
        root_key, key = self._key(), self._key()
        root = self._certificate("Test Root", root_key, None, root_key)
        leaf = self._certificate("Test TSA", key, root, root_key)
        self.roots = root.public_bytes(Encoding.PEM)
        (folder / "tsa.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
        (folder / "tsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))

    def answer(self, query: bytes) -> bytes:
        """The response to a query."""
        (self.folder / "query").write_bytes(query)
        subprocess.run(
            ["openssl", "ts", "-reply", *OPTIONS],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )
        return (self.folder / "out").read_bytes()

    def _key(self) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
        if self._elliptic:
            return ec.generate_private_key(ec.SECP256R1())
        return rsa.generate_private_key(65_537, 2_048)

    def _certificate(self, name: str, key, by: x509.Certificate | None, by_key) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by.subject if by else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if by is not None:
            use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(by_key.public_key())
            builder = builder.add_extension(use, critical=True).add_extension(identifier, critical=False)
        return builder.sign(by_key, hashes.SHA256())
