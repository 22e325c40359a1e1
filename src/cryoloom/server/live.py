"""Live events: one WebSocket a tab says which jobs have changed; what is new of them the page asks for."""

import asyncio
import contextlib

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from cryoloom.api.project import Project
from cryoloom.errors import CryoloomError
from cryoloom.server.access import access_of
from cryoloom.server.asking import served_project
from cryoloom.server.hub import Hub

router = APIRouter(tags=["live"])
BEAT_S = 20.0  # proxies end what is silent for a minute
CLOSED_BY_POLICY = 1008


@router.websocket("/projects/{key}/live")
async def live(socket: WebSocket, key: str, ticket: str = "", since: int = 0) -> None:
    """Sends `{"now": moment, "jobs": [...]}` whenever jobs have changed, and an empty list now and then."""
    access = access_of(socket)
    # The ticket is looked at last: one that is used for nothing stays good for its page.
    if not access.is_from_here(socket) or not access.takes_ticket(ticket):
        await socket.close(CLOSED_BY_POLICY)
        return
    project = await asyncio.to_thread(_project, socket, key)
    if project is None:
        await socket.close(CLOSED_BY_POLICY)
        return
    await socket.accept()
    hub: Hub = socket.app.state.hub
    with hub.following(project) as board, contextlib.suppress(WebSocketDisconnect, RuntimeError):
        moment = max(since, 0)
        gone = asyncio.create_task(_until_gone(socket))
        try:
            while not gone.done():
                news = asyncio.create_task(board.since(moment, BEAT_S))
                await asyncio.wait({news, gone}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    news.cancel()
                    break
                moment, names = news.result()
                await socket.send_json({"now": moment, "jobs": sorted(names)})
        finally:
            gone.cancel()


async def _until_gone(socket: WebSocket) -> None:
    """Pages say nothing; what they send is read away until they go."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()


def _project(socket: WebSocket, key: str) -> Project | None:
    with contextlib.suppress(CryoloomError):
        return served_project(socket, key)
    return None
