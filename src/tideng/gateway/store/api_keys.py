"""Keeps API keys and webhook secrets: hashes and sealed bytes only, each change with its ledger entry."""

import sqlite3
from typing import Final, Literal

from msgspec import Struct

from tideng.evidence.entries import declare, encode_entry
from tideng.gateway.messages import Micros
from tideng.gateway.store.decisions import Appends
from tideng.storage.migrations import Migration

ROOM: Final = "gateway_api_keys"

_FIRST: Final = """
CREATE TABLE api_key (
    id         TEXT PRIMARY KEY,
    customer   TEXT NOT NULL,           -- '' for keys that only administrate
    scopes     TEXT NOT NULL,           -- send, read, admin; comma separated
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL,           -- argon2id of the secret
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,        -- 0: no end
    revoked_at INTEGER NOT NULL DEFAULT 0,
    revoked_by TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- Signs what we post to a customer; sealed under the operator's key, because signing needs it in clear.
CREATE TABLE webhook_secret (
    customer   TEXT PRIMARY KEY,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
"""

MIGRATIONS: Final = (Migration(1, _FIRST),)


class ApiKeyEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A key was made or revoked: who may act for whom since when. The secret is in no form part of it."""

    at: int
    by: str
    customer: str
    expires_at: int
    key: str
    kind: Literal["api_key/1"] = "api_key/1"
    scopes: tuple[str, ...]
    state: Literal["created", "revoked"]


class WebhookSecretEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A customer's webhook secret was made or replaced."""

    at: int
    by: str
    customer: str
    kind: Literal["webhook_secret/1"] = "webhook_secret/1"


declare("api_key/1", "An API key was made or revoked.", "创建或吊销了一个接口密钥。")
declare(
    "webhook_secret/1", "A customer's webhook secret was made or replaced.", "生成或更换了客户的回调密钥。"
)


class ApiKey(Struct, frozen=True, kw_only=True):
    """One key as it is kept. `hash` opens nothing by itself; show it to no one all the same."""

    id: str
    customer: str
    """Whose messages it may send or read; empty for keys that only administrate."""
    scopes: tuple[str, ...]
    name: str
    hash: str
    created_at: Micros
    created_by: str
    expires_at: Micros = 0
    revoked_at: Micros = 0
    revoked_by: str = ""


_COLUMNS: Final = (
    "id, customer, scopes, name, hash, created_at, created_by, expires_at, revoked_at, revoked_by"
)


def insert_key_in(conn: sqlite3.Connection, ledger: Appends, key: ApiKey) -> None:
    """Inside one job: a new key with its entry. `sqlite3.IntegrityError` if the id is taken."""
    conn.execute(
        f"INSERT INTO api_key ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '')",  # noqa: S608 - a constant
        (
            key.id,
            key.customer,
            ",".join(key.scopes),
            key.name,
            key.hash,
            key.created_at,
            key.created_by,
            key.expires_at,
        ),
    )
    ledger.append_in(conn, [_entry(key, "created", key.created_at, key.created_by)])


def revoke_key_in(conn: sqlite3.Connection, ledger: Appends, key_id: str, at: Micros, by: str) -> bool:
    """Inside one job: end a key, with its entry. False when there is none or it was revoked before."""
    key = key_of(conn, key_id)
    if key is None or key.revoked_at:
        return False
    conn.execute("UPDATE api_key SET revoked_at = ?, revoked_by = ? WHERE id = ?", (at, by, key_id))
    ledger.append_in(conn, [_entry(key, "revoked", at, by)])
    return True


def key_of(reader: sqlite3.Connection, key_id: str) -> ApiKey | None:
    """One key, also a revoked one."""
    row = reader.execute(f"SELECT {_COLUMNS} FROM api_key WHERE id = ?", (key_id,)).fetchone()  # noqa: S608
    return None if row is None else _key(row)


def all_keys(reader: sqlite3.Connection) -> list[ApiKey]:
    """Every key, oldest first, revoked ones included."""
    sql = f"SELECT {_COLUMNS} FROM api_key ORDER BY created_at, id"  # noqa: S608 - a constant
    return [_key(row) for row in reader.execute(sql)]


def put_secret_in(
    conn: sqlite3.Connection, ledger: Appends, customer: str, sealed: bytes, at: Micros, by: str
) -> None:
    """Inside one job: the customer's webhook secret from now on, with its entry."""
    conn.execute(
        "INSERT INTO webhook_secret (customer, sealed, created_at) VALUES (?, ?, ?) "
        "ON CONFLICT (customer) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at",
        (customer, sealed, at),
    )
    ledger.append_in(conn, [encode_entry(WebhookSecretEntry(at=at, by=by, customer=customer))])


def sealed_secret(reader: sqlite3.Connection, customer: str) -> bytes | None:
    """The customer's webhook secret as it was sealed."""
    row = reader.execute("SELECT sealed FROM webhook_secret WHERE customer = ?", (customer,)).fetchone()
    return None if row is None else bytes(row[0])


def _entry(key: ApiKey, state: Literal["created", "revoked"], at: Micros, by: str) -> bytes:
    return encode_entry(
        ApiKeyEntry(
            at=at,
            by=by,
            customer=key.customer,
            expires_at=key.expires_at,
            key=key.id,
            scopes=key.scopes,
            state=state,
        )
    )


def _key(row: tuple[str, str, str, str, str, int, str, int, int, str]) -> ApiKey:
    return ApiKey(
        id=row[0],
        customer=row[1],
        scopes=tuple(row[2].split(",")),
        name=row[3],
        hash=row[4],
        created_at=row[5],
        created_by=row[6],
        expires_at=row[7],
        revoked_at=row[8],
        revoked_by=row[9],
    )
