"""Around everything that is served: which names a Host may have, how large a body may be, what browsers may do with it."""

import re
from collections.abc import Collection, Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 4_000_000
HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})
# A name or an address with or without its port, and no sign that an address could be made of.
HOST = re.compile(r"(?P<name>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.IGNORECASE)
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Wraps the application. Who may ask is decided in `access`; here only what holds for every answer."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        """`hosts`: names besides this machine's own, as a proxy passes them on."""
        self._app = app
        self._hosts: Collection[str] = HERE | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._is_known(headers.getlist("host")):
            await self._refuse(400, "a Host that is not this server's", scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            await self._refuse(413, f"more than {LARGEST_BODY} bytes", scope, receive, send)
            return
        await self._app(scope, _limited(receive), _with_headers(send))

    def _is_known(self, given: list[str]) -> bool:
        match = HOST.fullmatch(given[0]) if len(given) == 1 else None
        return match is not None and match["name"].lower() in self._hosts

    async def _refuse(self, code: int, found: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        said = {"where": "this request", "found": found, "expected": "", "hint": ""}
        await JSONResponse({"error": said}, code)(scope, receive, _with_headers(send))


def _limited(receive: Receive) -> Receive:
    """Bodies that say no length end where they are too long."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > LARGEST_BODY else message

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
