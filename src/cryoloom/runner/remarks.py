"""What a job says of its items: once for all of which the same is said, and at the end how many they were."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryoloom.protocol.jobs import Remark
from cryoloom.runner.context import RunContext

_NUMBER = re.compile(r"[\d.]*\d")


@dataclass(slots=True)
class Remarks:
    """The remarks of one attempt."""

    run: RunContext
    _first: dict[str, Remark] = field(default_factory=dict)  # by what is said, numbers apart
    _items: Counter[str] = field(default_factory=Counter)
    _things: Counter[str] = field(default_factory=Counter)
    _failures: Counter[str] = field(default_factory=Counter)

    def add(self, remarks: Sequence[Remark]) -> None:
        """Say what was not said of another; count the others."""
        for remark in remarks:
            kind = bare("", remark.words)
            self._items[kind] += 1
            self._things[kind] += remark.count
            if kind not in self._first:
                self._first[kind] = remark
                self.run.say_once(str(remark))

    def failed(self, name: str, why: str) -> None:
        """An item that failed: told in the log, the same reason once; all of them stand in `failed.star`."""
        reason = bare(name, why)
        self._failures[reason] += 1
        if self._failures[reason] == 1:
            self.run.log(f"Failed: {name}: {why}", error=True)

    def end(self, more: Sequence[Remark] = ()) -> None:
        """How often each was said, and that what was found adds up."""
        if self.run.journal.history.done:  # else the job fails, and says why itself
            self.add(more)
        for kind, count in self._items.items():
            if count > 1:
                remark = self._first[kind]
                things = remark.counted(self._things[kind])
                self.run.say_once(f"{count} like {remark.about}: {things}{remark.words}")
        for reason, count in self._failures.items():
            if count > 1:
                self.run.log(f"Failed alike: {count}: {reason}", error=True)
        history = self.run.journal.history
        failed = history.failed
        words = f"Found {history.count + len(failed)}, took {history.count}, left out {len(failed)}"
        if not failed:
            self.run.log(f"{words}.")
            return
        kinds: dict[str, list[str]] = {}
        for name, why in failed.values():
            kinds.setdefault(bare(name, why), []).append(why)
        often = sorted(kinds.values(), key=len, reverse=True)
        because = "; ".join(f"{len(whys)} like {whys[0]}" if len(whys) > 1 else whys[0] for whys in often[:3])
        more_kinds = f"; and {len(often) - 3} other reasons" if len(often) > 3 else ""
        text = f"{words}: {because}{more_kinds}"
        if history.done:
            self.run.say_once(text)
        else:
            self.run.log(text)


def bare(name: str, why: str) -> str:
    """A reason without the name of whom it is said, and without its numbers: the same for all of one kind."""
    for text in (name, name.rpartition("/")[2]):
        if text:
            why = why.replace(text, "it")
    return _NUMBER.sub("#", why)
