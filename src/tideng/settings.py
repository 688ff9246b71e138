"""Every setting: type, unit, default, one sentence; where its value came from; and nothing unknown.

A setting comes from its default, then the TOML file, then the environment: `TIDENG_SMPP__PORT=2776` sets
`port` in `[smpp]`; `TIDENG_SMPP__TLS_KEY_FILE=…` takes the value from a file (for secrets).
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from tideng.evidence.settings import EvidenceSettings
from tideng.gateway.carriers.routes import Route
from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.settings import (
    DispatchSettings,
    HttpDoorSettings,
    InboundSettings,
    IntakeSettings,
    ReportSettings,
    SmppDoorSettings,
)

PREFIX: Final = "TIDENG_"
OF_COMMANDS: Final = frozenset(
    f"{PREFIX}{name}" for name in ("SETTINGS", "API_KEY", "ADMIN_KEY", "URL", "PASSWORD", "SMPP_PASSWORD")
)
"""Options of commands that may also come from the environment; no settings."""
FILE_BYTES_MAX: Final = 1_000_000


class SettingsInvalid(Exception):
    """The settings cannot be used. The message names the key, the value's fault and the next step."""


class Settings(Struct, frozen=True, kw_only=True):
    """Everything an operator can set."""

    data: Annotated[str, Meta(description="Folder of the databases and keys.")] = "data"
    origin: Annotated[
        str, Meta(min_length=3, description="The ledger's name in checkpoints; never change it afterwards.")
    ] = "tideng.example/ledger"
    time_zone: Annotated[
        str, Meta(description="IANA zone for quiet hours, validity dates and the daily counts.")
    ] = "Asia/Shanghai"
    policy: Annotated[
        str, Meta(description="A policy shipped with Tideng, or the path of a TOML file of your own.")
    ] = "cn-2026"
    suspicion: Annotated[
        str,
        Meta(
            description="Weights of a score that may hold a text for a person: `shipped`, a file that "
            "`tideng text train` wrote, or nothing: then only named findings count."
        ),
    ] = ""
    smpp: SmppDoorSettings = SmppDoorSettings()
    http: HttpDoorSettings = HttpDoorSettings()
    intake: IntakeSettings = IntakeSettings()
    dispatch: DispatchSettings = DispatchSettings()
    reports: ReportSettings = ReportSettings()
    inbound: InboundSettings = InboundSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    carriers: Annotated[
        tuple[CarrierSettings, ...], Meta(description="Carriers to connect to: one [[carriers]] each.")
    ] = ()
    routes: Annotated[
        tuple[Route, ...],
        Meta(description="Which carrier for which message: one [[routes]] each; none: every carrier."),
    ] = ()

    def zone(self) -> ZoneInfo:
        """The time zone. Raises `SettingsInvalid`."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise SettingsInvalid(
                f"time_zone is {self.time_zone!r}, which is not an IANA zone; use one like Asia/Shanghai"
            ) from error


class Row(Struct, frozen=True):
    """One setting in force, for people."""

    key: str
    value: str
    source: str
    """default, the file's name, or the environment variable."""
    description: str
    default: str


SECRETS: Final = frozenset({"password"})
_SECTIONS: Final = ("smpp", "http", "intake", "dispatch", "reports", "inbound", "evidence")
_LISTS: Final = ("carriers", "routes")


class Loaded(Struct, frozen=True):
    """Settings and where each came from."""

    settings: Settings
    sources: Mapping[str, str]

    def rows(self) -> list[Row]:
        """Every setting in force, in the order of the documentation; secrets are not shown."""
        values: dict[str, Any] = msgspec.to_builtins(self.settings)
        rows = []
        for key, description, default in documented():
            section, _, name = key.rpartition(".")
            value = (values[section] if section else values)[name]
            rows.append(Row(key, _shown(value), self.sources.get(key, "default"), description, default))
        return rows


def load(path: Path | None, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Settings from the file (if given) and the environment. Raises `SettingsInvalid`."""
    raw: dict[str, Any] = {}
    sources: dict[str, str] = {}
    if path is not None:
        raw = _read(path)
        for key in _keys(raw):
            sources[key] = path.name
    for variable, key, value in _from_environment(environment):
        _put(raw, key, value)
        sources[key] = variable
    _refuse_unknown(raw, path)
    try:
        settings = msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(f"{error}. See `tideng settings` for every key, its type and unit.") from error
    for carrier in settings.carriers:
        problem = carrier.problem()
        if problem:
            raise SettingsInvalid(problem)
    named = {carrier.id for carrier in settings.carriers}
    for route in settings.routes:
        if route.carrier not in named:
            raise SettingsInvalid(f"a route names carrier {route.carrier!r}; configured are {sorted(named)}")
    settings.zone()
    return Loaded(settings, sources)


def documented() -> Iterator[tuple[str, str, str]]:
    """(key, sentence, default) of every setting, sections last."""
    for field in msgspec.structs.fields(Settings):
        if field.name not in _SECTIONS:
            yield field.name, _description(field.type), _shown(field.default)
    for section in _SECTIONS:
        struct = type(getattr(Settings(), section))
        for field in msgspec.structs.fields(struct):
            yield f"{section}.{field.name}", _description(field.type), _shown(field.default)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise SettingsInvalid(f"{path.name} is over {FILE_BYTES_MAX} bytes; it is no settings file")
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsInvalid(f"there is no settings file {path}; name another with --settings") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path.name} is not valid TOML: {error}") from error
    except OSError as error:
        raise SettingsInvalid(f"{path.name} cannot be read: {error.strerror}") from error


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    known = {key for key, _, _ in documented()}
    for variable, value in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable in OF_COMMANDS:
            continue
        key = variable.removeprefix(PREFIX).lower().replace("__", ".")
        if key not in known and key.endswith("_file") and key.removesuffix("_file") in known:
            key = key.removesuffix("_file")
            try:
                value = Path(value).read_text("utf-8").strip()
            except OSError as error:
                raise SettingsInvalid(f"{variable}: {value} cannot be read: {error.strerror}") from error
        if key not in known:
            raise SettingsInvalid(f"{variable} names no setting{_nearest(key, known)}")
        yield variable, key, value


def _refuse_unknown(raw: Mapping[str, Any], path: Path | None) -> None:
    known = {key for key, _, _ in documented()}
    lists = {"carriers": CarrierSettings, "routes": Route}
    for key in _keys(raw):
        if key not in known:
            raise SettingsInvalid(
                f"{path.name if path else 'settings'}: unknown key {key!r}{_nearest(key, known)}"
            )
    for name, struct in lists.items():
        fields = set(struct.__struct_fields__)
        for item in raw.get(name, ()):
            for key in item if isinstance(item, dict) else ():
                if key not in fields:
                    raise SettingsInvalid(f"[[{name}]]: unknown key {key!r}{_nearest(key, fields)}")


def _nearest(key: str, known: set[str]) -> str:
    near = get_close_matches(key, sorted(known), 1)
    return f"; did you mean {near[0]!r}?" if near else "; `tideng settings` lists all"


def _keys(raw: Mapping[str, Any]) -> Iterator[str]:
    for name, value in raw.items():
        if name in _SECTIONS and isinstance(value, dict):
            for inner in value:
                yield f"{name}.{inner}"
        else:
            yield name


def _put(raw: dict[str, Any], key: str, value: Any) -> None:  # Any: a TOML value
    section, _, name = key.rpartition(".")
    if key in _LISTS:
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise SettingsInvalid(f"{key} in the environment must be a JSON list: {error}") from error
    (raw.setdefault(section, {}) if section else raw)[name] = value


def _description(annotation: Any) -> str:  # Any: typing's own objects
    if get_origin(annotation) is Annotated:
        for meta in get_args(annotation)[1:]:
            if isinstance(meta, Meta) and meta.description:
                return meta.description
    return ""


def _shown(value: Any) -> str:  # Any: whatever a setting holds
    plain = msgspec.to_builtins(value)
    if isinstance(plain, list):
        plain = [
            {k: ("(set)" if k in SECRETS and v else v) for k, v in item.items()}
            if isinstance(item, dict)
            else item
            for item in plain
        ]
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()
