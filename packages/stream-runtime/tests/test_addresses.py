"""Addresses of servers, also those of IPv6."""

import socket

import pytest
from sample import load
from stream_runtime.addresses import join_address, split_servers
from stream_runtime.errors import ConfigError, SetupError


@pytest.mark.parametrize(
    ("servers", "addresses"),
    [
        ("kafka:9092", [("kafka", 9092)]),
        (
            "127.0.0.1:1, b-2.kafka.internal:65535",
            [("127.0.0.1", 1), ("b-2.kafka.internal", 65535)],
        ),
        ("[::1]:9092", [("::1", 9092)]),
        ("[fe80::1%eth0]:1,a:2", [("fe80::1%eth0", 1), ("a", 2)]),
        ("SASL_SSL://[2001:db8::1]:9092", [("2001:db8::1", 9092)]),
    ],
)
def test_each_server_has_a_host_and_a_port(servers, addresses):
    """A server is a name, an IPv4 address or an IPv6 address in brackets, with a port."""
    assert split_servers(servers) == addresses


@pytest.mark.parametrize(
    "servers",
    ["", "kafka", "kafka:", ":9092", "::1:9092", "[::1]", "a:1,", "a:0", "a:65536", "a b:1"],
)
def test_another_text_is_no_server(servers):
    """A text without a port, or an IPv6 address without brackets, is refused at the start."""
    with pytest.raises(ConfigError, match=r"bootstrap_servers.*it is no list of host:port"):
        load(f"source.bootstrap_servers={servers}")


def test_an_address_can_be_split_again():
    """Messages show an address as settings write it."""
    for address in ("kafka:9092", "[::1]:9092"):
        assert join_address(*split_servers(address)[0]) == address


def test_a_broker_is_found_at_an_ipv6_address():
    """The check of the servers connects to an IPv6 address, and names it if nobody answers."""
    with socket.socket(socket.AF_INET6) as server:
        try:
            server.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        server.listen()
        address = f"[::1]:{server.getsockname()[1]}"
        load(f"source.bootstrap_servers={address}").check()

    with pytest.raises(SetupError) as caught:
        load(f"source.bootstrap_servers={address}").check()
    assert f"No Kafka broker answers ({address}: " in str(caught.value)
