"""The server's process: where it listens, the link that it prints, the token that outlives it."""

import contextlib
import getpass
import hashlib
import os
import secrets
import socket
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from cryoloom.api.links import make_link
from cryoloom.api.project import Project
from cryoloom.api.recent import key_of
from cryoloom.errors import LaunchError, ParameterError
from cryoloom.server.access import Access
from cryoloom.server.app import build

FIRST_PORT, PORTS = 7654, 50
LAST_ANSWERS_S = (
    3  # who is still asking when the server ends; a page that follows would be waited for without end
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens and how its users come to it.

    Attributes:
        host: the address to listen at.
        port: 0: the first that is free from 7654 on.
        unix_socket: a socket's file instead of host and port.
        base: the path that a proxy keeps before ours, `/node/c12/7654/`.
        public: the address that users of a proxy see.
    """

    host: str = "127.0.0.1"
    port: int = 0
    unix_socket: Path | None = None
    base: str = "/"
    public: str = ""


def serve(
    only: Path | None, place: Place, *, open_browser: bool, read_only_until: date | None = None
) -> None:
    """Serve until it is interrupted; jobs go on without it.

    Args:
        only: the one project that is served; None: all that were opened.
        place: where.
        open_browser: where there is a display.
        read_only_until: print a link to the project's session too that may only look, until this day is over.
    Raises:
        ParameterError: a base or address that is none.
        LaunchError: the port or socket is taken.
    """
    base = _checked_base(place.base)
    access = Access.of(str(only or "all"), _token(only), base=base, public=_checked_public(place.public))
    hosts = [place.host, socket.gethostname(), socket.getfqdn()] if place.host not in LOOPBACK else []
    public_host = place.public.partition("://")[2].partition("/")[0].partition(":")[0]
    app = Below(build(access, only, [*hosts, *filter(None, [public_host])]), base)
    with _listening(place) as listener:
        port = 0 if place.unix_socket else listener.getsockname()[1]
        link = _link(place, port, access)
        looking = ""
        if only is not None and read_only_until is not None:
            # Before anything is told: a day that is over is no day to serve until.
            token = make_link(Project(only), read_only_until).token
            start = f"http://localhost:{FIRST_PORT}/" if place.unix_socket else link.partition("#")[0]
            looking = f"{start}p/{key_of(only)}/session#token={token}"
        print(_told(only, place, port, link), flush=True)
        if looking:
            print(f"For looking only, until the end of {read_only_until}:\n  {looking}", flush=True)
        if open_browser and os.environ.get("DISPLAY") and not place.unix_socket:
            webbrowser.open(link)
        # Addresses of requests are written nowhere: they would tell what is looked at, and by a mistake a token.
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, lifespan="off",
            timeout_graceful_shutdown=LAST_ANSWERS_S,
        )  # fmt: skip
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    if place.unix_socket:
        place.unix_socket.unlink(missing_ok=True)


class Below:
    """The application below a path that a proxy keeps; a proxy that strips it is served as well."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self._app, self._base = app, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if self._base != "/" and path.startswith(self._base):
            # What lies behind sees its own paths only, and tells relative ones.
            scope = {**scope, "path": path[len(self._base) - 1 :], "raw_path": None}
        await self._app(scope, receive, send)


def _checked_base(base: str) -> str:
    whole = f"/{base.strip('/')}/" if base.strip("/") else "/"
    if not all(part.isascii() and part.replace("-", "").replace("_", "").replace(".", "").isalnum() and part.strip(".")
               for part in whole.strip("/").split("/") if part):  # fmt: skip
        raise ParameterError("--base", found=repr(base), expected="a path such as /node/c12/7654/")
    return whole


def _checked_public(public: str) -> str:
    if public and not public.startswith(("http://", "https://")):
        raise ParameterError(
            "--public-url", found=repr(public), expected="https://HOST/PATH, as users of the proxy see it"
        )
    return public


@contextlib.contextmanager
def _listening(place: Place) -> Iterator[socket.socket]:
    if place.unix_socket is not None:
        listener = socket.socket(socket.AF_UNIX)
        old = os.umask(0o177)  # its owner's alone, from the first moment
        try:
            if _is_dead(place.unix_socket):
                place.unix_socket.unlink()
            listener.bind(str(place.unix_socket))
        except OSError as error:
            raise LaunchError(
                f"{place.unix_socket}",
                found=f"no place to listen ({error.strerror})",
                expected="a new socket",
            ) from None
        finally:
            os.umask(old)
    else:
        listener = _bound(place)
    listener.listen(128)
    with listener:
        yield listener


def _bound(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    wanted = [place.port] if place.port else [*range(FIRST_PORT, FIRST_PORT + PORTS)]
    reason = ""
    for port in wanted:
        # Said to be TCP's: only then asyncio sends what is small at once, instead of 40 ms later.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What asyncio does for sockets of its own: an answer's body does not wait until its head was acknowledged (40 ms).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((place.host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            listener.close()
            continue
        return listener
    raise LaunchError(
        f"{place.host}:{wanted[0]}", found=f"no place to listen ({reason})", expected="a free port",
        hint="Another server has it: choose one with --port.",
    )  # fmt: skip


def _is_dead(path: Path) -> bool:
    """Whether a socket's file is there and nobody listens."""
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return True
    return False


def _token(only: Path | None) -> str:
    """The same for the same project, so that a page goes on when its server was started again; its owner's alone."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    name = hashlib.sha256(str(only.resolve() if only else "all").encode()).hexdigest()[:16]
    file = Path(base) / "cryoloom" / "served" / name
    with contextlib.suppress(OSError):
        known = file.read_text().strip()
        if len(known) >= 32 and file.stat().st_mode & 0o077 == 0:
            return known
    made = secrets.token_urlsafe(32)
    with contextlib.suppress(OSError):  # without it pages have to be opened by the new link
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = file.with_name(f".{name}.{os.getpid()}")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(made)
        beside.replace(file)
    return made


def _link(place: Place, port: int, access: Access) -> str:
    """The token stands behind `#`: browsers send that to nobody."""
    shown = f"[{place.host}]" if ":" in place.host else place.host
    address = place.public.rstrip("/") + "/" if place.public else f"http://{shown}:{port}{access.base}"
    return f"{address}#token={access.token}"


def _told(only: Path | None, place: Place, port: int, link: str) -> str:
    lines = [f"Cryoloom serves {only or 'your projects'}:"]
    here = f"{getpass.getuser()}@{socket.gethostname()}"
    if place.unix_socket:
        path = place.unix_socket.resolve()
        token = link.partition("#")[2]
        lines += [f"  on {path}; from your own machine:", f"  ssh -N -L {FIRST_PORT}:{path} {here}",
                  f"  and then http://localhost:{FIRST_PORT}/#{token}"]  # fmt: skip
    else:
        lines.append(f"  {link}")
        if place.host in LOOPBACK and not place.public:
            lines.append(f"From another machine first: ssh -N -L {port}:{place.host}:{port} {here}")
        elif not place.public:
            lines.append("Without https everybody on the way can read the link; a tunnel of ssh is safer.")
    return "\n".join([*lines, "Ctrl-C ends it; jobs go on."])
