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

from cryoloom.api.links import Link, link_called, link_with_token

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

    @property
    def link_cookie(self) -> str:
        """The cookie of who came by a read-only link: another one, so that a link takes nothing from its maker."""
        return f"{self.cookie}-link"

    def link_session(self, link: Link) -> str:
        """That cookie's value: which link it is, sealed."""
        seal = hmac.new(self.token.encode(), f"link {link.id}".encode(), hashlib.sha256).hexdigest()
        return f"{link.id}.{seal}"

    def link_of(self, connection: HTTPConnection) -> Link | None:
        """The read-only link by which somebody came, while it is good: withdrawn is withdrawn at once."""
        kind, _, given = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return link_with_token(given.strip())
        cookie = connection.cookies.get(self.link_cookie, "")
        link = link_called(cookie.partition(".")[0]) if cookie else None
        if link is None or not hmac.compare_digest(cookie.encode(), self.link_session(link).encode()):
            return None
        return link

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
    """That who asks is the project's user, and no other site's page asks in their name.

    Raises:
        HTTPException: 401 without a token; 403 from elsewhere, and by a read-only link.
    """
    if access.is_signed_in(connection):
        _check_from_here(connection, access)
        return
    if access.link_of(connection) is not None:
        raise HTTPException(
            403, detail=_refusal("a read-only link", "the link that `cryoloom serve` printed")
        )
    raise HTTPException(401, detail=_refusal("not signed in", "the link that `cryoloom serve` printed"))


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks. `link`: by which read-only link they came; None: the project's user."""

    link: Link | None = None


def reading(connection: HTTPConnection, access: Annotated[Access, Depends(access_of)]) -> Reader:
    """That who asks may look: the project's user, or somebody with a read-only link, who asks for nothing to be done.

    What a link may look at is said by each route that has this in the place of `signed_in`: all others are closed to it.

    Raises:
        HTTPException: 401 without a token; 403 from elsewhere, and for anything but looking by a link.
    """
    if access.is_signed_in(connection):
        _check_from_here(connection, access)
        return Reader()
    link = access.link_of(connection)
    if link is None:
        raise HTTPException(401, detail=_refusal("not signed in", "a link that is good still"))
    connection.state.by_link = True
    if connection.scope.get("method", "") not in SAFE:
        raise HTTPException(403, detail=_refusal("a read-only link", "one that may do something"))
    return Reader(link)


def _check_from_here(connection: HTTPConnection, access: Access) -> None:
    if connection.scope.get("method", "") not in SAFE and not access.is_from_here(connection):
        raise HTTPException(403, detail=_refusal("asked for by another site's page", "Cryoloom's own page"))


def _refusal(found: str, expected: str) -> dict[str, Any]:
    return {"where": "this server", "found": found, "expected": expected, "hint": ""}
