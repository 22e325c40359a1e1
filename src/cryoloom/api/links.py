"""Read-only links to a project's session: who has one may look until a day is over, and do nothing.

Only a hash of a link's token is kept, in a file of the user's cache that nobody else can read; lost, all links end.
"""

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.api.recent import key_of
from cryoloom.errors import ParameterError, ProjectError

if TYPE_CHECKING:
    from cryoloom.api.project import Project

LONGEST_DAYS = 366
MOST = 200


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was given. `until`: when it ends, seconds of the epoch; `digest`: of its token."""

    id: str
    project: str  # its key
    made: float
    until: float
    note: str
    digest: str

    def is_good(self, now: float) -> bool:
        return now < self.until

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what may be told of it."""
        return {name: value for name, value in asdict(self).items() if name != "digest"}


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link with its token, which is told once."""

    link: Link
    token: str


def make_link(project: "Project", until: date, *, note: str = "") -> NewLink:
    """Give a link that ends when a day is over, by this machine's clock.

    Args:
        project: what may be looked at.
        until: the last day.
        note: for whom it is.
    Raises:
        ParameterError: a day that is over, or more than a year from now.
        ProjectError: the user's cache cannot be written.
    """
    today = date.today()
    if not today <= until <= today + timedelta(days=LONGEST_DAYS):
        raise ParameterError(
            "until",
            found=str(until),
            expected=f"a day from {today} to {today + timedelta(days=LONGEST_DAYS)}",
        )
    end = datetime.combine(until + timedelta(days=1), datetime.min.time()).timestamp()
    token = secrets.token_urlsafe(32)
    link = Link(secrets.token_hex(6), key_of(project.path), time.time(), end, note, _digest(token))
    with _alone():
        good = [one for one in _read() if one.is_good(time.time())]
        _write([*good[1 - MOST :], link])
    return NewLink(link, token)


def links_of(project: "Project") -> list[Link]:
    """The links to a project that are good now, the newest first."""
    key, now = key_of(project.path), time.time()
    return [link for link in reversed(_read()) if link.project == key and link.is_good(now)]


def withdraw_link(project: "Project", identity: str) -> Link:
    """End a link now.

    Raises:
        ParameterError: there is no such link to this project.
        ProjectError: the user's cache cannot be written.
    """
    with _alone():
        known = links_of(project)
        for link in known:
            if link.id == identity:
                _write([one for one in _read() if one.id != identity])
                return link
    raise ParameterError(
        f"link {identity}", found="unknown", expected=f"one of {', '.join(one.id for one in known) or 'none'}"
    )


def link_with_token(token: str) -> Link | None:
    """The link that has this token and is good now."""
    digest, now = _digest(token), time.time()
    return next(
        (one for one in _read() if hmac.compare_digest(one.digest, digest) and one.is_good(now)), None
    )


def link_called(identity: str) -> Link | None:
    """The link with this id, if it is good now."""
    now = time.time()
    return next((one for one in _read() if one.id == identity and one.is_good(now)), None)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cryoloom" / "served" / "links.json"


def _read() -> list[Link]:
    """None of a file that others could have written or read."""
    file = _file()
    with contextlib.suppress(OSError, ValueError, TypeError), file.open() as opened:
        stat = os.fstat(opened.fileno())
        if not stat.st_mode & 0o077 and stat.st_uid == os.getuid():
            return [Link(**row) for row in json.load(opened)]
    return []


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """While the list is changed: of two who do so at once neither brings back what the other has taken away."""
    file = _file().with_suffix(".lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _not_writable(file, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(links: list[Link]) -> None:
    file = _file()
    beside = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump([asdict(link) for link in links], out)
        beside.replace(file)
    except OSError as error:
        raise _not_writable(file, error) from None


def _not_writable(file: Path, error: OSError) -> ProjectError:
    return ProjectError(
        f"{file}", found=f"not writable ({error.strerror})", expected="a place for the links that were given"
    )
