"""Signing in: a token, or that of a read-only link, for a cookie; tickets for live events."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from cryoloom._version import __version__
from cryoloom.api.links import link_with_token
from cryoloom.server.access import Access, Reader, access_of, reading, signed_in
from cryoloom.server.shapes import LinkHere, Session, SignIn, Ticket

router = APIRouter(prefix="/session", tags=["session"])
AccessHere = Annotated[Access, Depends(access_of)]


@router.post("")
def sign_in(given: SignIn, request: Request, response: Response, access: AccessHere) -> Session:
    """Give the token of the printed link; returns a cookie that pages of this server send by themselves."""
    if not access.is_from_here(request):
        raise HTTPException(403, detail={"where": "this server", "found": "asked for by another site's page"})
    secure = access.public.startswith("https://")
    if access.is_token(given.token):
        response.set_cookie(
            access.cookie, access.session, path=access.base, httponly=True, samesite="strict", secure=secure,
            max_age=30 * 86400,
        )  # fmt: skip
        return _session(request, Reader())
    link = link_with_token(given.token)
    if link is None:
        raise HTTPException(401, detail={"where": "this server", "found": "another token, or that of a link that has ended",
                                         "expected": "the one in the link that `cryoloom serve` printed"})  # fmt: skip
    response.set_cookie(
        access.link_cookie, access.link_session(link), path=access.base, httponly=True, samesite="strict", secure=secure,
        max_age=max(1, int(link.until - time.time())),
    )  # fmt: skip
    return _session(request, Reader(link))


@router.get("")
def session(request: Request, reader: Annotated[Reader, Depends(reading)]) -> Session:
    """Whether one is signed in, and to what."""
    return _session(request, reader)


@router.delete("", status_code=204)
def sign_out(response: Response, access: AccessHere) -> None:
    """Give the cookie back."""
    response.delete_cookie(access.cookie, path=access.base)
    response.delete_cookie(access.link_cookie, path=access.base)


@router.post("/tickets", dependencies=[Depends(signed_in)])
def ticket(access: AccessHere) -> Ticket:
    """For one WebSocket, within half a minute."""
    return Ticket(ticket=access.new_ticket())


def _session(request: Request, reader: Reader) -> Session:
    link = reader.link
    if link is not None:
        return Session(version=__version__, home="", link=LinkHere(project=link.project, until=link.until))
    return Session(version=__version__, home=request.app.state.home)
