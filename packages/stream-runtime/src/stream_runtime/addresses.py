"""Addresses of servers as settings write them: names, IPv4, and IPv6 in brackets."""

import re
from typing import Annotated

from pydantic import AfterValidator

# Kafka also accepts the name of a protocol before a server.
_SERVER = re.compile(r"(?:\w+://)?(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([\w.-]+)):(\d{1,5})")
LAST_PORT = 65_535


def split_servers(servers: str) -> list[tuple[str, int]]:
    """Return host and port of each server in a list such as `kafka-1:9092,[::1]:9092`.

    Raises:
        ValueError: a part is no host with a port.
    """
    found = [_SERVER.fullmatch(part.strip()) for part in servers.split(",")]
    addresses = [(match[1] or match[2], int(match[3])) for match in found if match]
    if len(addresses) < len(found) or any(not 0 < port <= LAST_PORT for _, port in addresses):
        message = "it is no list of host:port: write IPv6 in brackets, such as [::1]:9092"
        raise ValueError(message)
    return addresses


def join_address(host: str, port: int) -> str:
    """Return host and port as one text, with IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _checked(servers: str) -> str:
    split_servers(servers)
    return servers


def _without_brackets(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


Servers = Annotated[str, AfterValidator(_checked)]
"""A list of servers, separated by commas: `host:port`, `[IPv6]:port`."""
Host = Annotated[str, AfterValidator(_without_brackets)]
"""A server without a port; IPv6 with or without brackets."""
