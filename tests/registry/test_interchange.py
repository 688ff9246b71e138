"""The registry as TOML: reads back the same, and says everything that is wrong at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.gateway.registry.interchange import read_toml, write_toml
from tideng.gateway.registry.kinds import TYPES, kind_of
from tideng.gateway.registry.problems import RegistryInvalid
from tideng.gateway.registry.values import Customer, RegistryObject

OBJECTS: st.SearchStrategy[RegistryObject] = st.one_of(
    *(st.from_type(object_type) for object_type in TYPES.values())
)


@given(st.lists(OBJECTS, max_size=5))
def test_decode_encode_is_identity(objects: list[RegistryObject]) -> None:
    order = {kind: nth for nth, kind in enumerate(TYPES)}
    in_file_order = sorted(objects, key=lambda item: order[kind_of(item)])
    assert read_toml(write_toml(in_file_order)) == in_file_order


@given(st.binary(min_size=1, max_size=200).map(lambda noise: b"=" + noise))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(RegistryInvalid):
        read_toml(noise)


def problems(text: str) -> list[str]:
    with pytest.raises(RegistryInvalid) as caught:
        read_toml(text.encode())
    return [str(problem) for problem in caught.value.problems]


def test_everything_wrong_is_said_at_once_with_the_nearest_name() -> None:
    said = problems(
        """
        [[custmer]]
        id = "a"
        [[customer]]
        id = "acme"
        nmae = "Acme"
        throughput_per_s = "fast"
        status = "asleep"
        categories = ["notice", "spam"]
        [customer.smpp]
        system_id = "acme"
        password_hash = ""
        windw = 3
        [[mandate]]
        id = "m"
        """
    )
    assert len(said) == 9
    assert said[0] == "custmer: is no kind of object; did you mean 'customer'?"
    assert "customer:acme.nmae: is no field of Customer; did you mean 'name'?" in said
    assert "customer:acme.smpp.windw: is no field of SmppAccess; did you mean 'window'?" in said
    assert "customer:acme.name: is missing; add it" in said
    assert "mandate:m.principal: is missing; add it" in said
    assert any(line.startswith("customer:acme.categories[1]: has the wrong form") for line in said)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("customer = 3", "customer"),
        ("[customer]\nid = 'a'", "customer"),
        ("customer = [3]", "customer[0]"),
        ("[[customer]", "file"),
        ("x = " + "[" * 5000 + "]" * 5000, "file"),
        ("[[customer]]\nid = 'a'\nname = 'A'\nsmpp = 3", "customer:a.smpp"),
        ("[[code_number]]\nid = '123'\nholder = 'h'\nbindings = [3]", "code_number:123.bindings[0]"),
    ],
)
def test_wrong_forms(text: str, path: str) -> None:
    assert [line.split(": ")[0] for line in problems(text)] == [path]


def test_a_file_that_is_not_utf_8() -> None:
    with pytest.raises(RegistryInvalid, match="not UTF-8 at byte 0"):
        read_toml("名".encode("gbk"))


def test_byte_order_mark_and_unquoted_dates() -> None:
    text = "\ufeff[[signature]]\nid = '银行'\nprincipal = 'bank'\nvalid_from = 2026-01-01"
    [signature] = read_toml(text.encode())
    assert signature.valid_from == "2026-01-01"  # type: ignore[union-attr]


SMPP = "[[customer]]\nid = 'acme'\nname = 'Acme'\n[customer.smpp]\nsystem_id = 'acme'\n"


def test_a_password_is_sealed_and_goes_no_further() -> None:
    asked: list[tuple[str, str]] = []

    def seal(customer: str, password: str) -> str:
        asked.append((customer, password))
        return "$argon2id$sealed"

    [customer] = read_toml((SMPP + "password = 'secret-1'").encode(), seal)
    assert asked == [("acme", "secret-1")]
    assert isinstance(customer, Customer)
    assert customer.smpp is not None
    assert customer.smpp.password_hash == "$argon2id$sealed"
    assert b"secret-1" not in write_toml([customer])


@pytest.mark.parametrize(
    "line",
    [
        "password = 'seven-c'\npassword_hash = 'x'",
        "password = 'short'",
        "password = 12345678",
        "password = '密码密码密码'",
        "pasword = 'secret-1'",
    ],
)
def test_a_password_is_never_quoted(line: str) -> None:
    said = problems(SMPP + line)
    assert said
    for value in ("seven-c", "short'", "12345678", "密码", "secret-1"):
        assert not any(value in sentence for sentence in said)


def test_no_password_is_hashed_for_a_file_that_is_refused() -> None:
    def seal(customer: str, password: str) -> str:
        raise AssertionError("hashed for nothing")

    with pytest.raises(RegistryInvalid):
        read_toml((SMPP + "password = 'secret-1'\nwindow = 'wide'").encode(), seal)
