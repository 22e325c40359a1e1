"""Who may use what Cryoloom makes in a project: as the folder around it says, whatever the maker's umask is.

A project may belong to a group. What a colleague with a private umask makes in it must not lock the others out.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_SPECIAL = stat.S_ISGID


def as_folder_says(handle: int, folder: Path) -> None:
    """Give a new file the rights of the folder that it lies in, without those to execute."""
    with contextlib.suppress(OSError):  # a file system without such rights
        os.fchmod(handle, folder.stat().st_mode & 0o666)


def umask_of(root: Path) -> int:
    """The umask with which processes write into a project."""
    return 0o777 & ~root.stat().st_mode


def as_it_was(handle: int, before: os.stat_result) -> None:
    """Give a file that takes another's place that one's mode, and its group where we may."""
    with contextlib.suppress(OSError):
        if os.fstat(handle).st_gid != before.st_gid:
            os.fchown(handle, -1, before.st_gid)
    with contextlib.suppress(OSError):
        os.fchmod(handle, stat.S_IMODE(before.st_mode))


@contextlib.contextmanager
def shared_as(root: Path) -> Iterator[None]:
    """What the block makes below a project may be used by those who may use the project."""
    before = os.umask(umask_of(root))
    try:
        yield
    finally:
        os.umask(before)


def make_shared(folder: Path, root: Path) -> None:
    """Make a folder with the project folder's own rights and, by its set-group bit, group; parents too.

    Raises:
        FileExistsError: it is there.
    """
    if not folder.parent.is_dir():
        with contextlib.suppress(FileExistsError):
            make_shared(folder.parent, root)
    folder.mkdir()
    with contextlib.suppress(OSError):
        above = root.stat()
        folder.chmod(0o700 | stat.S_IMODE(above.st_mode) & (0o777 | _SPECIAL))
