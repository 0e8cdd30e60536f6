"""What a failing process closes, and what it leaves open."""

from __future__ import annotations

import socket
from datetime import timedelta

from torch._C._distributed_c10d import TCPStore

from leyden_distributed.group import Group


def test_cutting_leaves_the_store_open_to_the_others() -> None:
    """They look there for what happened; which connections were made first is a matter of chance."""
    store = TCPStore("127.0.0.1", 0, 1, is_master=True, timeout=timedelta(seconds=20), wait_for_workers=False)
    group = Group(store, 0, 1, owned=True)
    group.port = store.port
    with group.adopting(), socket.create_server(("127.0.0.1", 0)) as server:
        other = TCPStore("127.0.0.1", store.port, 1, is_master=False, timeout=timedelta(seconds=20))
        other.set("before", "1")
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    with near, far:
        group.cut()
        assert far.recv(1) == b""
    assert other.add("before", 1) == 2
