"""One run of an import of movies or micrographs: what was found, taken, refused, and under which names."""

import fnmatch
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.em.names import Names
from cryoloom.errors import ImageError
from cryoloom.plugins.imports.linking import make_folder, note_source
from cryoloom.plugins.imports.patterns import common_folder, fixed_part, matching, watchable, why_nothing
from cryoloom.plugins.imports.usual import Usual
from cryoloom.project.item_ids import item_id
from cryoloom.protocol.jobs import Found, JobFolder, Remark, Taken

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.images.headers import ImageHeader
    from cryoloom.plugins.imports.raw_files import RawFiles

FIRST_LOOK = 12  # headers that are read ahead, so that an odd first file is not taken for the usual one
SETTLED_S = 5.0  # a gain reference that is no good for longer is not being written any more
State = tuple[int, int]  # size and time of the last change


@dataclass(slots=True)
class RawSearch:
    """The files of a pattern, each looked at until it is taken or refused."""

    protocol: "RawFiles"
    job: JobFolder
    patterns: list[str]
    names: Names
    usual: Usual
    seen: set[str]  # ids of what this import took or refused before
    groups: list[tuple[str, str]]
    before: dict[str, str] = field(
        default_factory=dict
    )  # where files really lie that earlier attempts took → link
    extras: dict[str, str] | None = None  # links of what belongs to the files; None while it is not there
    converted: list[str] = field(default_factory=list)  # what belongs to the files and was no good as it was
    taken: set[str] = field(default_factory=set)  # paths that are of no interest any more
    left_out: Counter[str] = field(default_factory=Counter)  # files that are no items of their own, by reason
    _unfit: tuple[str, float] | None = None  # what is wrong with a companion of the files, and since when
    _real: dict[str, str] = field(default_factory=dict)  # where a file really lies → the path that was taken
    _refused: dict[Path, State] = field(default_factory=dict)  # as they were then
    _odd: set[Path] = field(default_factory=set)  # those that were refused for not being as most
    _headers: "dict[Path, tuple[State, ImageHeader]]" = field(default_factory=dict)  # read ahead
    _looks: dict[Path, tuple[State, float]] = field(default_factory=dict)

    @classmethod
    def begin(cls, protocol: "RawFiles", job: JobFolder, taken: Taken) -> "RawSearch":
        """Go on from what earlier attempts took."""
        names = Names()
        before: dict[str, str] = {}
        if taken.rows is not None:
            prefix = f"{import_folder(job)}/"
            for name in taken.rows[protocol.file_label].to_list():
                names.know(str(name).removeprefix(prefix))
                if (job.root / str(name)).is_symlink():
                    before[os.path.realpath(job.root / str(name))] = str(name)
        given = {what: int(protocol.values[what]) for what in ("width", "height", "frames")}
        usual = Usual({what: value for what, value in given.items() if value})
        patterns = protocol.patterns(job)
        return cls(protocol, job, patterns, names, usual, set(taken.done), protocol.groups(), before)

    def look(self) -> Iterator[tuple[str, Found]]:
        """What is new since the last look, good and bad."""
        if not self.taken:
            # Folders may come later, and then a blank or bracket is part of a name.
            self.patterns = self.protocol.patterns(self.job)
        if self.extras is None and not self._bring_along():
            return
        now = time.monotonic()
        below = common_folder(self.patterns)
        for path in chain(self._to_look_at_again(), self._ahead(matching(self.patterns, self.taken))):
            item = item_id(f"{self.job.uuid} {self._relative(path, below)}")
            if path not in self._refused and (item in self.seen or self._was_taken(path)):
                self._take_note_of(path)
                continue
            if self.protocol.stream and not self._is_whole(path, now):
                continue
            if other := self._taken_as(path):
                self.left_out[f"the same file as {other}"] += 1
                self.taken.add(str(path))
                continue
            state = _state_of(path)
            found = self._take(path, self._relative(path, below))
            self._refused.pop(path, None)
            if isinstance(found.row, str):
                self._refused[path] = state or (-1, -1)
            else:
                self._odd.discard(path)
            # Before it is given away: who takes it may ask for no more, and begin another look.
            self._take_note_of(path)
            self.seen.add(item)
            yield item, found
        for path in [path for path in self._looks if not path.exists()]:
            del self._looks[path]  # it had another name in the making

    def _bring_along(self) -> bool:
        """Bring what belongs to the files; false while it is not there, or is still being written.

        Raises:
            ImageError: it is no good, and has not changed for a while.
        """
        self.converted = []  # of the last look alone
        try:
            self.extras = self.protocol.bring_along(self.job, self.names, self.converted)
        except ImageError as error:
            now = time.monotonic()
            if not self.protocol.stream:
                raise
            if self._unfit is None or self._unfit[0] != str(error):
                # Its size is part of the words: a copy that goes on says something else each time.
                self._unfit = (str(error), now)
            if now - self._unfit[1] > max(SETTLED_S, float(self.protocol.file_timeout)):
                raise
            return False
        return self.extras is not None

    def optics(self) -> "pl.DataFrame":
        """The optics table of what was taken."""
        return self.protocol.optics_table(self.extras or {})

    def folders(self) -> Sequence[Path]:
        """Where new files appear."""
        return watchable(self.patterns)

    def why_nothing(self) -> str:
        """What may be wrong where nothing was found."""
        return why_nothing(self.protocol.fn_in_raw, self.patterns)

    def pending_s(self) -> float | None:
        """In how many seconds a file that is there may be whole; None where none is waited for."""
        if not self._looks:
            return None
        oldest = min(since for _, since in self._looks.values())
        return max(0.0, float(self.protocol.file_timeout) - (time.monotonic() - oldest))

    def remarks(self) -> list[str]:
        """What is to be said at the end."""
        words = [*self.converted]
        if self.left_out:
            reasons = [f"{count} {why}" for why, count in self.left_out.most_common(3)]
            more = len(self.left_out) - len(reasons)
            words.append(
                f"Left out {self.left_out.total()} that are no files of their own: {'; '.join(reasons)}"
                + (f"; and {more} more such files." if more > 0 else ".")
            )
        odd = [
            file for file in self.usual.odd_ones() if file in self.taken and Path(file) not in self._refused
        ]
        if odd:
            words.append(
                f"{len(odd)} files were taken before it showed that they are not as most: {Path(odd[0]).name}, ..."
            )
        return words

    def _ahead(self, paths: Iterator[Path]) -> Iterator[Path]:
        """The paths, the first ones after a look at all of their headers."""
        if self.usual.knows_any:
            yield from paths
            return
        first = []
        for path in paths:
            first.append(path)
            self._read_ahead(path)
            if len(first) >= FIRST_LOOK:
                break
        yield from first
        yield from paths

    def _read_ahead(self, path: Path) -> None:
        from cryoloom.images.headers import read_header

        state = _state_of(path)
        if state is None:
            return
        try:
            header = read_header(path)
        except (ImageError, OSError):
            return  # it is told when the file's turn comes
        self._headers[path] = (state, header)
        if not self.protocol.refusal(header):
            self.usual.meet(str(path), self.protocol.compared(header))

    def _to_look_at_again(self) -> list[Path]:
        """Files that were no good and have changed: a copy that stalled goes on; and odd ones that are odd no more."""
        changed = [path for path, before in self._refused.items() if _state_of(path) not in (None, before)]
        usual = [path for path in self._odd if path not in changed and self._is_usual_now(path)]
        return [*changed, *usual]

    def _is_usual_now(self, path: Path) -> bool:
        known = self._headers.get(path)
        return known is not None and not self._contradiction(known[1])

    def _take(self, path: Path, relative: str) -> Found:
        from cryoloom.images.headers import read_header

        protocol, shown = self.protocol, str(path)
        state = _state_of(path)
        ahead = self._headers.pop(path, None)
        try:
            header = ahead[1] if ahead is not None and ahead[0] == state else read_header(path)
        except (ImageError, OSError) as error:
            return Found(shown, str(error).replace(str(path), path.name))
        if wrong := protocol.refusal(header):
            return Found(shown, f"{path.name}: {wrong}")
        self.usual.meet(str(path), protocol.compared(header))
        if wrong := self._contradiction(header):
            self._odd.add(path)
            self._headers[path] = (state or (-1, -1), header)
            return Found(shown, f"{path.name}: {wrong}")
        group = self._group_of(path, relative)
        if not group:
            return Found(shown, f"{path.name} fits none of the patterns in optics_groups")
        name = self._name_of(path, relative)
        target = f"{import_folder(self.job)}/{name}"
        make_folder((self.job.root / target).parent)
        try:
            said = [protocol.bring_in(self.job, path, target, header), *protocol.remarks(header)]
            note_source(path, self.job.root / target)
        except ImageError as error:
            return Found(shown, str(error).replace(str(path), path.name))
        if name != relative:
            said.insert(0, f"its name in the project is {name}: RELION reads it, and no other file has it")
        row = {protocol.file_label: target, "rlnOpticsGroup": group}
        return Found(shown, row, [Remark(path.name, words) for words in said if words])

    def _contradiction(self, header: "ImageHeader") -> str:
        facts = {"width": header.size[0], "height": header.size[1], "frames": header.frames}
        return self.usual.contradiction(facts, self.protocol.compared(header))

    def _name_of(self, path: Path, relative: str) -> str:
        """The file's name below the import: no other file of it has it, nor one that later jobs would mix up with it."""
        return self.names.give(
            str(path), relative, lambda name: self.protocol.is_name_free(self.job, name, path)
        )

    def _group_of(self, path: Path, relative: str) -> int:
        """The optics group's number, 0 where it has none."""
        if not self.groups:
            return 1
        # Files of equal names are told apart by their folders.
        fitting = [
            label
            for pattern, label in self.groups
            if fnmatch.fnmatch(relative if "/" in pattern else path.name, pattern)
        ]
        labels = list(dict.fromkeys(label for _, label in self.groups))
        return labels.index(fitting[0]) + 1 if fitting else 0

    def _relative(self, path: Path, below: Path) -> str:
        return str(path.relative_to(below)) if path.is_relative_to(below) else str(path).lstrip("/")

    def _taken_as(self, path: Path) -> str:
        """Under which other path this very file was taken: by two patterns, or below a link."""
        other = self._real.get(os.path.realpath(path), "")
        return other if other != str(path) else ""

    def _was_taken(self, path: Path) -> bool:
        """Whether an earlier attempt took this very file, whatever id it had then.

        Ids were made otherwise by former versions (of the name with its blanks replaced, below the first pattern only),
        and files come in another order when a link to them has been made meanwhile.
        """
        return self.before.pop(os.path.realpath(path), "") != "" or self._former_id(path) in self.seen

    def _former_id(self, path: Path) -> str:
        if not self.protocol.copy:
            return ""  # its link tells
        below = (self.job.root / fixed_part(self.protocol.fn_in_raw.split()[0])).resolve()
        name = str(path.relative_to(below)) if path.is_relative_to(below) else path.name
        return item_id(f"{self.job.uuid} {'_'.join(name.split())}")

    def _take_note_of(self, path: Path) -> None:
        self.taken.add(str(path))
        if path not in self._refused:
            self._real.setdefault(os.path.realpath(path), str(path))

    def _is_whole(self, path: Path, now: float) -> bool:
        """Unchanged in two looks; remembered by the file's name."""
        state = _state_of(path)
        if state is None:
            return False
        before, since = self._looks.get(path, ((-1, -1), now))
        if state != before:
            since = now
            self._looks[path] = (state, now)
        if now - since < self.protocol.file_timeout:
            return False
        del self._looks[path]
        return True


def import_folder(job: JobFolder) -> str:
    """Where an import's links lie: `Movies/job001`."""
    return f"Movies/{job.name.rstrip('/').rpartition('/')[2]}"


def _state_of(path: Path) -> State | None:
    """Size and time of the last change; None of a file that is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
