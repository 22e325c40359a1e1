"""Signing in: a token for a cookie; tickets for live events."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from cryoloom._version import __version__
from cryoloom.server.access import Access, access_of, signed_in
from cryoloom.server.shapes import Session, SignIn, Ticket

router = APIRouter(prefix="/session", tags=["session"])
AccessHere = Annotated[Access, Depends(access_of)]


@router.post("")
def sign_in(given: SignIn, request: Request, response: Response, access: AccessHere) -> Session:
    """Give the token of the printed link; returns a cookie that pages of this server send by themselves."""
    if not access.is_from_here(request):
        raise HTTPException(403, detail={"where": "this server", "found": "asked for by another site's page"})
    if not access.is_token(given.token):
        raise HTTPException(401, detail={"where": "this server", "found": "another token",
                                         "expected": "the one in the link that `cryoloom serve` printed"})  # fmt: skip
    secure = access.public.startswith("https://")
    response.set_cookie(
        access.cookie, access.session, path=access.base, httponly=True, samesite="strict", secure=secure,
        max_age=30 * 86400,
    )  # fmt: skip
    return _session(request)


@router.get("", dependencies=[Depends(signed_in)])
def session(request: Request) -> Session:
    """Whether one is signed in, and to what."""
    return _session(request)


@router.delete("", status_code=204)
def sign_out(response: Response, access: AccessHere) -> None:
    """Give the cookie back."""
    response.delete_cookie(access.cookie, path=access.base)


@router.post("/tickets", dependencies=[Depends(signed_in)])
def ticket(access: AccessHere) -> Ticket:
    """For one WebSocket, within half a minute."""
    return Ticket(ticket=access.new_ticket())


def _session(request: Request) -> Session:
    return Session(version=__version__, home=request.app.state.home)
