"""Ports are free, differ, and a taken one is answered with another that is free."""

from __future__ import annotations

import re
import socket

import pytest

from fairihub.ports import choose_ports
from fairihub_core.errors import Conflict


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
