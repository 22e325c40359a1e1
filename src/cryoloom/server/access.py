"""Who may ask: a token or nothing, exchanged for a cookie; names in Host; origins; tickets for live events.

Checked by dependencies of routes, never by paths: what a router does not name nobody reaches.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection

TICKET_S = 30.0
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Access:
    """What a server asks of whoever comes.

    Attributes:
        token: the secret; it stands in no cookie, log or address.
        cookie: its name: two servers of one host share a browser.
        base: the path below which the page lies, with slashes at both ends.
        public: the address that users of a proxy see, `https://host/prefix`; "" without.
    """

    token: str
    cookie: str
    base: str = "/"
    public: str = ""
    tickets: dict[str, float] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, where: str, token: str, *, base: str = "/", public: str = "") -> "Access":
        """`where`: what is served, in words that differ for each server of a host."""
        name = hashlib.sha256(f"{where} {base}".encode()).hexdigest()[:12]
        return cls(token, f"cryoloom-{name}", base, public)

    @property
    def session(self) -> str:
        """The cookie's value, made of the token: of the cookie nobody can make the token."""
        return hmac.new(self.token.encode(), b"session", hashlib.sha256).hexdigest()

    def is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def is_signed_in(self, connection: HTTPConnection) -> bool:
        """By cookie, or by `Authorization: Bearer` as scripts do."""
        kind, _, given = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(given.strip()):
            return True
        cookie = connection.cookies.get(self.cookie, "")
        return hmac.compare_digest(cookie.encode(), self.session.encode())

    def is_from_here(self, connection: HTTPConnection) -> bool:
        """Whether a browser says that the page asking is ours; who sends neither header is no browser."""
        origin = connection.headers.get("origin")
        site = connection.headers.get("sec-fetch-site")
        if origin is None:
            return site in (None, "same-origin", "none")
        return origin in self._origins(connection)

    def new_ticket(self) -> str:
        """For one WebSocket, soon: a browser sends no header of ours with it."""
        now = time.monotonic()
        for ticket in [one for one, end in self.tickets.items() if end < now]:
            del self.tickets[ticket]
        made = secrets.token_urlsafe(24)
        self.tickets[made] = now + TICKET_S
        return made

    def takes_ticket(self, ticket: str) -> bool:
        """Whether it is one that was given, and not used yet."""
        return self.tickets.pop(ticket, 0.0) >= time.monotonic()

    def _origins(self, connection: HTTPConnection) -> set[str]:
        own = {f"{scheme}://{connection.headers.get('host', '')}" for scheme in ("http", "https")}
        scheme, _, rest = self.public.partition("://")
        return own | ({f"{scheme}://{rest.partition('/')[0]}"} if rest else set())


def access_of(connection: HTTPConnection) -> Access:
    found: Access = connection.app.state.access
    return found


def signed_in(connection: HTTPConnection, access: Annotated[Access, Depends(access_of)]) -> None:
    """That who asks is signed in, and no other site's page asks in their name.

    Raises:
        HTTPException: 401 without a token; 403 from elsewhere.
    """
    method = connection.scope.get("method", "")
    if not access.is_signed_in(connection):
        raise HTTPException(401, detail=_refusal("not signed in", "the link that `cryoloom serve` printed"))
    if method not in SAFE and not access.is_from_here(connection):
        raise HTTPException(403, detail=_refusal("asked for by another site's page", "Cryoloom's own page"))


def _refusal(found: str, expected: str) -> dict[str, Any]:
    return {"where": "this server", "found": found, "expected": expected, "hint": ""}
