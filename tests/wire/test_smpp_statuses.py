"""Names of statuses and commands, which are temporary, and the ones that are ours."""

import pytest

from tideng.gateway.wire.smpp import (
    BACK_OFF,
    TEMPORARY,
    VENDOR_STATUS,
    Status,
    VendorStatus,
    command_name,
    is_temporary,
    status_name,
    tag_name,
)


def test_vendor_statuses_lie_in_their_range_and_each_has_one_sentence() -> None:
    assert set(VENDOR_STATUS) == set(VendorStatus)
    for status, sentence in VENDOR_STATUS.items():
        assert 0x0400 <= status <= 0x04FF
        assert sentence.endswith(".")
        assert "\n" not in sentence
    assert not set(map(int, VendorStatus)) & set(map(int, Status))


@pytest.mark.parametrize(
    ("status", "name"),
    [(0, "ESME_ROK"), (0x58, "ESME_RTHROTTLED"), (0x405, "REFUSED_OPTED_OUT"), (0x4242, "0x00004242")],
)
def test_status_names(status: int, name: str) -> None:
    assert status_name(status) == name


def test_5_0_renames_the_option_codes() -> None:
    assert status_name(0xC3) == "ESME_RMISSINGOPTPARAM"
    assert status_name(0xC3, version=0x50) == "ESME_RMISSINGTLV"
    assert status_name(0x58, version=0x50) == "ESME_RTHROTTLED"


def test_what_may_be_tried_again() -> None:
    assert is_temporary(0x58)
    assert is_temporary(0x14)
    assert is_temporary(0x08)
    assert BACK_OFF < TEMPORARY
    for final in (0x00, 0x0B, 0x45, 0x405, 0x4242):
        assert not is_temporary(final)


def test_names_of_commands_and_tags() -> None:
    assert command_name(0x8000_0004) == "submit_sm_resp"
    assert command_name(0x111) == "broadcast_sm"
    assert command_name(0x77) == "0x00000077"
    assert tag_name(0x001D) == "additional_status_info_text"
    assert tag_name(0x1999) == "0x1999"
