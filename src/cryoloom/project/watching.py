"""Waiting for files to change: inotify on local disks, looks of growing distance elsewhere.

A wake-up is a hint and no fact: who is woken looks at the files. On network file systems changes made by
other hosts cause none, so a wait always ends after a while.
"""

import ctypes
import os
import select
import time
from collections.abc import Collection
from pathlib import Path

_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x2, 0x80, 0x100, 0x200
_IN_DELETE_SELF, _IN_MOVE_SELF, _IN_IGNORED = 0x400, 0x800, 0x8000
_OF_SELF = _IN_DELETE_SELF | _IN_MOVE_SELF | _IN_IGNORED
_OF_FILE = _IN_MODIFY | _IN_DELETE_SELF | _IN_MOVE_SELF
_OF_FOLDER = _IN_CREATE | _IN_MOVED_TO | _IN_DELETE | _IN_DELETE_SELF | _IN_MOVE_SELF

# Of `statfs`: file systems whose changes inotify does not see when another host makes them.
_NETWORK = {0x6969, 0xFF534D42, 0x0BD00BD0, 0x47504653, 0x65735546, 0x01021997, 0xFE534D42}
FIRST_LOOK_S, LONGEST_LOOK_S, GROWTH = 0.005, 0.25, 1.5


class Watcher:
    """Wakes who waits when one of the watched files or folders changes."""

    def __init__(self, *, poll: bool = False) -> None:
        """`poll`: never inotify, as on a network file system."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        # 0o2004000: close on exec, and reading does not block.
        self._handle = -1 if poll else int(self._libc.inotify_init1(0o2004000))
        self._watches: dict[str, int] = {}
        self._wait = FIRST_LOOK_S
        self._others: list[int] = []
        self._only: dict[int, frozenset[str]] = {}
        self._chatty: set[int] = set()
        self._is_urgent = False  # of the events that were read last

    @property
    def is_blind(self) -> bool:
        """Whether nothing wakes: who waits has to look."""
        return self._handle < 0

    def watch(self, path: Path, *, only: Collection[str] = (), chatty: bool = False) -> bool:
        """Watch a file (it grows), or a folder (names in it appear and go); False where it is not there.

        Args:
            only: of a folder, the names that matter.
            chatty: it changes often and seldom matters: it wakes only when `wait` has lasted `rest_s`.
        """
        name = os.fspath(path)
        if name in self._watches or self._handle < 0:
            return True
        try:
            mask = _OF_FOLDER if path.is_dir() else _OF_FILE
            if not path.exists():
                return False
            if is_on_network(path):
                # One such file is enough: then all is looked at.
                self.close()
                return True
        except OSError:
            return False
        number = int(self._libc.inotify_add_watch(self._handle, os.fsencode(name), mask))
        if number < 0:
            self.close()  # no more watches to be had: looking always works
            return True
        self._watches[name] = number
        self._only.pop(number, None)
        self._chatty.discard(number)
        if only:
            self._only[number] = frozenset(only)
        if chatty:
            self._chatty.add(number)
        return True

    def also(self, handle: int) -> None:
        """Be woken by this file descriptor too, when it can be read; who owns it reads it."""
        self._others.append(handle)

    def leave(self, handle: int) -> None:
        """Be woken by this descriptor no more."""
        self._others.remove(handle)

    def forget(self, path: Path) -> None:
        """Watch it no more."""
        number = self._watches.pop(os.fspath(path), None)
        if number is not None and self._handle >= 0:
            self._libc.inotify_rm_watch(self._handle, number)

    def news(self) -> None:
        """Something was found at the last look: the next ones follow closely, where we have to look."""
        self._wait = FIRST_LOOK_S

    def wait(self, longest_s: float, *, rest_s: float = 0.0) -> bool:
        """Wait for a change, at most so long; true when something has changed for sure.

        Args:
            rest_s: what is chatty wakes no sooner than this.
        """
        if self._handle < 0:
            ready, _, _ = select.select(self._others, [], [], min(self._wait, longest_s))
            self._wait = min(self._wait * GROWTH, LONGEST_LOOK_S)
            return bool(ready)
        began, heard, self._is_urgent = time.monotonic(), False, False
        while (left := (rest_s if heard else longest_s) - (time.monotonic() - began)) > 0:
            ready, _, _ = select.select([self._handle, *self._others], [], [], left)
            heard = self._drain() or heard if self._handle in ready else heard
            if self._is_urgent or any(handle in ready for handle in self._others):
                return True
        return heard

    def close(self) -> None:
        """Give the watches back; from now on waits are looks."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1
        self._watches.clear()

    def _drain(self) -> bool:
        """Read all events; whether any matters. Watches that the kernel has dropped may be set again."""
        gone = set()
        heard, self._is_urgent = False, False
        while True:
            try:
                data = os.read(self._handle, 65536)
            except BlockingIOError:
                break
            at = 0
            while at < len(data):
                number = int.from_bytes(data[at : at + 4], "little", signed=True)
                mask = int.from_bytes(data[at + 4 : at + 8], "little")
                length = int.from_bytes(data[at + 12 : at + 16], "little")
                if mask & _IN_IGNORED:
                    gone.add(number)
                elif mask & _IN_MOVE_SELF:
                    self._libc.inotify_rm_watch(self._handle, number)
                    gone.add(number)
                name = data[at + 16 : at + 16 + length].rstrip(b"\0").decode(errors="replace")
                at += 16 + length
                if number not in self._only or name in self._only[number] or mask & _OF_SELF:
                    heard = True
                    self._is_urgent = self._is_urgent or number not in self._chatty
        if gone:
            self._watches = {name: number for name, number in self._watches.items() if number not in gone}
        return heard


def is_on_network(path: Path) -> bool:
    """Whether a file lies where other hosts may change it unseen (NFS, SMB, Lustre, GPFS, FUSE, 9p)."""
    buffer = ctypes.create_string_buffer(256)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.statfs(os.fsencode(path), buffer) != 0:
        return True
    return int.from_bytes(buffer.raw[:8], "little") & 0xFFFFFFFF in _NETWORK
