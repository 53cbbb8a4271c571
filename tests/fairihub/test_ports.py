"""Ports are free, differ, and a taken one is answered with another that is free."""

from __future__ import annotations

import re
import socket

import pytest

from fairihub.ports import choose_ports
from fairihub_core.errors import BadInput, Conflict
from tests.support.ports import free_port


def test_ports_are_free_and_differ():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        public = probe.getsockname()[1]
    ports = choose_ports(public)
    chosen = list(ports.model_dump().values())
    assert len(set(chosen)) == len(chosen) == 6
    for port in chosen:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def test_a_port_in_use_is_said_with_one_that_is_free():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(Conflict, match=f"Port {port} is in use") as refusal:
            choose_ports(port)
    free = re.search(r"--port (\d+)", refusal.value.message)
    assert free
    assert choose_ports(int(free[1])).public == int(free[1])


def test_ports_that_servers_know_stay():
    hub, s3 = free_port(), free_port()
    ports = choose_ports(free_port(), hub=hub, s3=s3)
    assert (ports.hub, ports.s3) == (hub, s3)
    assert len(set(ports.model_dump().values())) == 6


@pytest.mark.parametrize("which", ["hub", "s3"])
def test_one_of_them_in_use_is_refused_by_the_name_of_its_setting(which):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(Conflict, match=f"kubernetes.{which}_port: port {port} of 127.0.0.1"):
            choose_ports(free_port(), **{which: port})


def test_no_two_of_them_are_the_same():
    port = free_port()
    with pytest.raises(BadInput, match=f"--port and kubernetes.hub_port are both {port}"):
        choose_ports(port, hub=port)
