"""Hosts in one form."""

import pytest

from bridge.settings.hosts import host_of, plain_host
from bridge.settings.model import AdminSettings


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("bridge.internal", "bridge.internal"),
        ("BRIDGE.Internal.:8081", "bridge.internal"),
        ("127.0.0.1:8081", "127.0.0.1"),
        ("127.0.0.1:", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[0:0:0:0:0:0:0:1]:8081", "::1"),
        ("[FD00::5]:1", "fd00::5"),
        ("[::ffff:10.0.0.5]:1", "10.0.0.5"),
    ],
)
def test_one_form_for_every_way_to_write_a_host(authority: str, host: str) -> None:
    assert host_of(authority) == host


@pytest.mark.parametrize(
    "authority",
    [
        "",
        ":8081",
        "::1",
        "[::1",
        "::1]",
        "[127.0.0.1]",
        "[bridge]",
        "[fe80::1%eth0]",
        "user@bridge",
        "bridge:8081:1",
        "bridge:port",
        "bridge:999999",
        "bridge/x",
        "bridge evil",
        "brüdge",
        "a" * 300,
        "-",
        "bridge\x00",
    ],
)
def test_text_that_is_no_host_is_none(authority: str) -> None:
    assert host_of(authority) is None


@pytest.mark.parametrize("host", ["https://bridge", "bridge:8081", "10.0.0.5/24", "*", "", "[fd00::5"])
def test_a_setting_that_is_no_host_is_refused_with_examples(host: str) -> None:
    with pytest.raises(ValueError, match=r"is not a name or address: write bridge\.internal"):
        AdminSettings(hosts=["good.example", host])


def test_settings_may_omit_the_brackets() -> None:
    assert plain_host("fd00::5") == plain_host("[fd00::5]") == "fd00::5"
