"""Where a webhook may lead: public https addresses, looked up once, connected to as they were checked."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED: Final = tuple(
    # IPv4-mapped and -compatible (RFC 4291 §2.5.5), NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380).
    ipaddress.IPv6Network(network)
    for network in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) to IP addresses; raises OSError."""


class WebhookRefused(Exception):
    """This address may not be posted to. The message names the reason and the next step."""


class Target(Struct, frozen=True):
    """Where to connect, decided once per POST: the address checked is the address connected to."""

    url: str
    """With the IP address in place of the host: a second look-up could answer otherwise (DNS rebinding)."""
    host: str
    host_header: str


async def target(url: str, allowed: Sequence[Network], resolve: Resolve) -> Target:
    """Where `url` leads. Raises `WebhookRefused`: not https (http only on loopback), private, unknown."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise WebhookRefused("the webhook is no address; correct it in the registry") from error
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host or parts.username is not None:
        raise WebhookRefused("the webhook is no https address without a password; correct it in the registry")
    try:
        found = [ipaddress.ip_address(one) for one in await resolve(host, port)]
    except (OSError, UnicodeError, ValueError) as error:
        raise WebhookRefused("the webhook's host cannot be resolved; check its name and the DNS") from error
    for address in found:
        is_allowed = any(address.version == net.version and address in net for net in allowed)
        if not is_allowed and not _is_public(address):
            raise WebhookRefused(
                "the webhook leads into a private network; allow that network in the settings if it is meant"
            )
        if parts.scheme == "http" and not address.is_loopback:
            raise WebhookRefused("the webhook is not https; only loopback may do without")
    if not found:
        raise WebhookRefused("the webhook's host has no address; check its name and the DNS")
    return _target(parts, host, port, found[0])


def _is_public(address: Address) -> bool:
    """False also for IPv6 forms that carry an IPv4 address, because that one decides where it leads."""
    carries = address.version == 6 and any(address in network for network in _TRANSLATED)
    return address.is_global and not address.is_multicast and not carries


def _target(parts: SplitResult, host: str, port: int, address: Address) -> Target:
    place = f"[{address}]" if address.version == 6 else str(address)
    query = f"?{parts.query}" if parts.query else ""
    return Target(f"{parts.scheme}://{place}:{port}{parts.path or '/'}{query}", host, parts.netloc)


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """The system's resolver, off the event loop."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
