"""Settings of the gateway's own steps and doors. `tideng.settings` puts them together."""

from typing import Annotated

from msgspec import Meta, Struct


class SmppDoorSettings(Struct, frozen=True, kw_only=True):
    """The SMPP server for customers."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 lets the system choose.")] = 2775
    tls_port: Annotated[
        int, Meta(ge=-1, le=65535, description="TLS port; -1: none, 0: system's choice.")
    ] = -1
    tls_certificate: Annotated[str, Meta(description="PEM file with the certificate chain.")] = ""
    tls_key: Annotated[str, Meta(description="PEM file with the private key.")] = ""
    connections_max: Annotated[int, Meta(ge=1, description="TCP connections at once, bound or not.")] = 500
    connections_per_address_max: Annotated[
        int, Meta(ge=1, description="TCP connections at once from one address.")
    ] = 100
    frame_bytes_max: Annotated[int, Meta(ge=1024, description="Longest PDU accepted, bytes.")] = 70_000
    session_init_s: Annotated[float, Meta(gt=0, description="Seconds a connection may stay unbound.")] = 10.0
    enquire_link_s: Annotated[float, Meta(gt=0, description="Silence, in seconds, before we ask.")] = 30.0
    inactivity_s: Annotated[
        float, Meta(gt=0, description="Seconds without any message before we unbind.")
    ] = 3600.0
    response_s: Annotated[float, Meta(gt=0, description="Seconds a peer may take to answer.")] = 30.0
    lockout_failures: Annotated[
        int, Meta(ge=1, description="Failed binds from one address before it is locked out.")
    ] = 5
    lockout_s: Annotated[float, Meta(gt=0, description="Seconds a lock-out lasts.")] = 60.0
    system_id: Annotated[str, Meta(max_length=15, description="What we call ourselves in bind_resp.")] = (
        "tideng"
    )


class HttpDoorSettings(Struct, frozen=True, kw_only=True):
    """The HTTP API and the console."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 lets the system choose.")] = 8080
    body_bytes_max: Annotated[int, Meta(ge=1024, description="Largest request body, bytes.")] = 2_000_000
    messages_per_request_max: Annotated[
        int, Meta(ge=1, le=500, description="Messages in one POST /v1/messages.")
    ] = 500
    session_hours: Annotated[float, Meta(gt=0, description="Hours a console sign-in lasts.")] = 8.0
    secure_cookies: Annotated[
        bool, Meta(description="Send cookies over https only; set when a TLS proxy stands in front.")
    ] = False
    sign_in_failures: Annotated[
        int, Meta(ge=1, description="Failed sign-ins of one account or address before a pause.")
    ] = 5
    sign_in_pause_s: Annotated[float, Meta(gt=0, description="Seconds that pause lasts.")] = 60.0


class IntakeSettings(Struct, frozen=True, kw_only=True):
    """Review and recording of what customers submit."""

    waiting_max: Annotated[
        int, Meta(ge=1, description="Submissions that may wait; more are told to slow down.")
    ] = 20_000
    batch_max: Annotated[int, Meta(ge=1, description="Submissions reviewed and committed together.")] = 512
    parts_wait_s: Annotated[
        float, Meta(gt=0, description="Seconds to wait for the missing parts of a long message.")
    ] = 300.0
    parts_waiting_max: Annotated[
        int, Meta(ge=1, description="Parts of incomplete long messages kept at once.")
    ] = 50_000


class DispatchSettings(Struct, frozen=True, kw_only=True):
    """Handing over to carriers."""

    ready_max: Annotated[
        int, Meta(ge=1, description="Cleared messages kept in memory; the rest wait in the outbox.")
    ] = 4_000
    validity_h: Annotated[
        float, Meta(gt=0, description="Hours we keep trying when the customer named no validity.")
    ] = 48.0


class ReportSettings(Struct, frozen=True, kw_only=True):
    """Delivery reports and replies, from carriers to customers."""

    orphan_h: Annotated[
        float, Meta(gt=0, description="Hours a report that matches nothing is kept, in case it came first.")
    ] = 48.0
    orphans_max: Annotated[int, Meta(ge=1, description="Such reports kept at once.")] = 100_000
    mailbox_in_memory_max: Annotated[
        int, Meta(ge=1, description="Reports and replies per customer kept in memory; more stay on disk.")
    ] = 5_000
    webhook_timeout_s: Annotated[float, Meta(gt=0, description="Seconds a webhook may take.")] = 10.0
    webhook_retry_s: Annotated[
        tuple[float, ...],
        Meta(min_length=1, description="Seconds before a webhook is tried again; the last one repeats."),
    ] = (1.0, 5.0, 30.0, 300.0, 1800.0)
    webhook_networks: Annotated[
        tuple[str, ...], Meta(description="Private networks (CIDR) that webhooks may lead into.")
    ] = ()
    keep_days: Annotated[
        float, Meta(gt=0, description="Days an undelivered report or reply is kept for its customer.")
    ] = 7.0


class InboundSettings(Struct, frozen=True, kw_only=True):
    """Replies from recipients."""

    parts_wait_s: Annotated[
        float, Meta(gt=0, description="Seconds to wait for the missing parts of a long reply.")
    ] = 300.0
    confirm_opt_out: Annotated[bool, Meta(description="Send one confirmation of an opt-out.")] = True
