"""A ledger with a case in it: a real store and a real intake, no carrier; and bundles over it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct

from api.api_rig import NOTICE, Rig
from tideng.assembly.embedded import open_embedded
from tideng.assembly.evidence import environment_record, make_issuer
from tideng.evidence.issuing import Issued, Issuer, Request
from tideng.gateway.messages import Submission
from tideng.gateway.registry.store import record_consents_in, record_opt_outs_in
from tideng.gateway.registry.values import Consent, OptOut
from tideng.gateway.settings import HttpDoorSettings, IntakeSettings
from tideng.gateway.store.store import Store
from tideng.settings import Loaded, Settings

ORIGIN = "test.example/ledger"
WANG, LI = "8613800138000", "8613900139000"
DEBT = "【衡岳资产】王先生,您目前最新欠款:27911元,还9431元即可结清账目,退订回T"


class Told(Struct, frozen=True):
    """The messages of the case, by what became of them."""

    sent: int
    refused: int
    others: tuple[int, ...]


def settings(folder: Path, **changes: object) -> Settings:
    return Settings(data=str(folder), origin=ORIGIN, **changes)


def make_case(folder: Path, *, others: int = 5, wang: int = 1) -> Told:
    """A notice and a refused debt demand to Wang, his stop, and messages to other people around them."""

    async def play() -> Told:
        rig = Rig(folder, settings=HttpDoorSettings(), intake=IntakeSettings())
        await rig.start()

        async def submit(*pairs: tuple[str, str]) -> list[int]:
            outcomes = await rig.intake.submit(
                [
                    Submission(
                        id=rig.ids.next(),
                        customer="library",
                        recipient=to,
                        text=text,
                        received_at=time.time_ns() // 1000,
                        raw=b"r" * 32,
                    )
                    for to, text in pairs
                ]
            )
            return [outcome.message for outcome in outcomes]

        around = [(f"86137{n:08d}", NOTICE + str(n)) for n in range(others)]
        first = await submit(*around[: others // 2], *[(WANG, f"{NOTICE}第{n}本") for n in range(wang)])
        [refused] = await submit((WANG, DEBT))
        store = rig.store
        stop = OptOut(principal="library", recipient=store.subject(WANG), at=store.now(), source="inbound")
        agreed = Consent(
            principal="library", recipient=store.subject(LI), category="notice", wording="v1",
            channel="desk", given_at=1,
        )  # fmt: skip
        await store.run(
            partial(record_consents_in, ledger=store.ledger, given=[agreed], at=store.now(), by="t")
        )
        await store.run(partial(record_opt_outs_in, ledger=store.ledger, outs=[stop], at=store.now(), by="t"))
        last = await submit(*around[others // 2 :], (LI, NOTICE))
        await rig.close()
        return Told(first[-1], refused, (*first[:-1], *last))

    return asyncio.run(play())


@contextmanager
def opened(folder: Path, **changes: object) -> Iterator[tuple[Store, Issuer]]:
    chosen = settings(folder, **changes)
    store = open_embedded(chosen)
    try:
        yield store, make_issuer(store, chosen, with_pdf=False)
    finally:
        store.close()


def issue(folder: Path, *, changes: dict[str, object] | None = None, **asked: object) -> Issued:
    """A bundle, without the PDF."""
    with opened(folder, **(changes or {})) as (store, issuer):
        asked = {"case": "(2026)沪0113民初1号", "by": "examiner", "purpose": "court", **asked}
        record = environment_record(store, Loaded(settings(folder), {}))
        return issuer.issue(Request(**asked), record)
