"""A gateway that an earlier release stopped: what is queued goes out, what is held can be decided."""

import zipfile
from io import BytesIO
from pathlib import Path

from api.api_rig import NOTICE, Rig, play
from evidence.case_rig import issue
from tideng.evidence.verifier.steps import FAILED, verify
from tideng.gateway.second_look import SecondLook
from tideng.gateway.store import queries
from tideng.gateway.store.outbox import lease

GATEWAY = Path(__file__).parent / "gateway-1.zip"


def unpacked(folder: Path) -> Path:
    with zipfile.ZipFile(GATEWAY) as archive:
        archive.extractall(folder)
    for file in folder.iterdir():
        file.chmod(0o600)
    return folder


def test_what_was_queued_goes_out_and_what_was_held_is_decided(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "data")
    ids: dict[str, int] = {}

    async def scene(rig: Rig) -> None:
        reader = rig.store.reader
        ids.update({row.state: row.id for row in queries.recent(reader)})
        assert set(ids) == {"queued", "held", "refused"}
        look = SecondLook(rig.store, rig.dispatch, rig.mailbox, rig.ids, validity_h=1)
        [row] = await rig.store.run(lambda conn: lease(conn, 2**52, 10))
        [flight] = look.clear_again([row])
        assert flight.cleared.outbound.text == NOTICE
        assert flight.cleared.outbound.recipient == "8613900000001"
        await look.decide(ids["held"], "send", "mei", "委托书已核对")
        first, second = queries.entries_of(rig.store, ids["held"])
        assert (first[1]["kind"], second[1]["kind"]) == ("decision/1", "decision/2")
        assert second[1]["previous"] == first[0]
        assert (second[1]["auth"], second[1]["raw"], second[1]["text"]) == ("", "", first[1]["text"])
        assert rig.store.ledger.verify().is_intact

    play(folder, scene)
    bundle = issue(folder, messages=(ids["held"],), fields=("recipient", "text", "raw", "reason"))
    report = verify(bundle.content)
    assert FAILED not in report.statuses, report.says
    # The first decision opens too: the second kept its commitments.
    with zipfile.ZipFile(BytesIO(bundle.content)) as archive:
        opened = b"".join(archive.read(name) for name in archive.namelist() if name.startswith("openings/"))
    assert opened.count(b"27911") == 2
    assert "委托书已核对".encode() in opened
