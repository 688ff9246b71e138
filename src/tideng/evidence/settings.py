"""Settings of the evidence: who may read the ledger, who witnesses it, who stamps its time."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class EvidenceSettings(Struct, frozen=True, kw_only=True):
    """The ledger, seen from outside."""

    readers: Annotated[
        Literal["local", "everyone"],
        Meta(description="Who may GET /ledger/…: callers on this machine, or everyone who reaches the port."),
    ] = "local"
    witness_policy: Annotated[
        str,
        Meta(description="A C2SP tlog-policy file with our witnesses, their URLs and the quorum; or empty."),
    ] = ""
    witness_interval_s: Annotated[
        float, Meta(gt=0, description="Seconds between two requests to the witnesses.")
    ] = 10.0
    witness_within_s: Annotated[
        float, Meta(gt=0, description="Seconds after which a missing quorum raises the alarm.")
    ] = 60.0
    timestamp_url: Annotated[str, Meta(description="RFC 3161 time-stamping authority to ask; or empty.")] = ""
    timestamp_roots: Annotated[
        str, Meta(description="PEM file with the authority's root certificates; tokens are checked with it.")
    ] = ""
    timestamp_interval_s: Annotated[
        float, Meta(gt=0, description="Seconds between two timestamps over checkpoints.")
    ] = 3600.0
    index_interval_s: Annotated[
        float, Meta(ge=1, description="Seconds between two entries of the completeness index.")
    ] = 3600.0
    index_entries_max: Annotated[
        int, Meta(ge=100, le=200_000, description="Entries after which the index is written sooner.")
    ] = 10_000
