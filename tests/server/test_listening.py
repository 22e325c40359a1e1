"""Where a server listens."""

import socket

from cryoloom.server.serving import Place, _bound


def test_what_is_small_is_sent_at_once_and_not_forty_milliseconds_later() -> None:
    with _bound(Place()) as listener:
        listener.listen(1)
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            # asyncio turns Nagle's waiting off for sockets that say whose they are.
            assert accepted.proto == socket.IPPROTO_TCP
