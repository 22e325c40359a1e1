"""Which picks belong to which micrograph: by the names of files, or by the names in one file for all.

A name that begins like another one is not that one. An exact name counts before a longer one; of equal names the
folders decide, and where they cannot, nobody guesses.
"""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import polars as pl

from cryoloom.em.names import below_job, is_part, stem
from cryoloom.errors import DatasetError, StarError
from cryoloom.plugins.imports.coordinate_tables import NAME, read_picks
from cryoloom.plugins.imports.linking import source_of
from cryoloom.plugins.imports.patterns import matching
from cryoloom.protocol.jobs import Remark

EXACT, WITHIN = "exact", "within"
# What other programs put behind a micrograph's name begins with a letter; `_2` is part of another name.
_ENDINGS = (".mrc", ".mrcs", ".tif", ".tiff", ".eer", ".TIF", ".TIFF", ".EER")
_SUFFIX = re.compile(r"[_.-][A-Za-z].*")


class NoPicks(Exception):
    """Why a micrograph has no picks of its own; `str()` is the reason."""


@dataclass(slots=True)
class PicksOfFiles:
    """Finds the picks of a micrograph among files that may come while the job runs."""

    root: Path
    patterns: Sequence[str]
    names_match: str = EXACT
    _micrographs: dict[str, list[str]] = field(default_factory=dict)  # stem → names
    _known: set[str] = field(default_factory=set)
    _files: dict[str, list[Path]] = field(default_factory=dict)  # stem → files
    _seen: set[str] = field(default_factory=set)
    _named: dict[str, pl.DataFrame] = field(
        default_factory=dict
    )  # name of a micrograph in a file for all → its picks
    _by_stem: dict[str, list[str]] = field(default_factory=dict)  # of those names
    _links: dict[Path, dict[str, Path]] = field(default_factory=dict)  # folder → links there by plain stem
    _broken: dict[str, str] = field(default_factory=dict)  # files that cannot be read, and why
    _taken: dict[str, str] = field(default_factory=dict)  # a name in a file for all, or a file → whose it is

    def know(self, micrographs: Iterable[str]) -> None:
        """Micrographs that there are: a file belongs to the one that its name fits best."""
        for name in micrographs:
            if name not in self._known:
                self._known.add(name)
                for one in self._stems(name):
                    self._micrographs.setdefault(one, []).append(name)

    def look(self) -> None:
        """Find files that are new.

        Raises:
            DatasetError: there is none at all.
        """
        for path in matching(self.patterns, self._seen):
            self._seen.add(str(path))
            if (not self._files or self._named) and path.stat().st_size:
                try:
                    table = read_picks(path)
                except (DatasetError, StarError) as error:
                    # It may be of one micrograph, which is told then; or of all, which is told of each that lacks picks.
                    self._broken[str(path)] = str(error)
                else:
                    if NAME in table.columns:
                        self._take_names(table)
                        continue
            self._files.setdefault(_plain(path.stem), []).append(path)
        if not self._seen:
            raise DatasetError(
                " ".join(self.patterns), found="without any file", expected="coordinate files",
                hint="A blank that belongs to a name stands between quotes.",
            )  # fmt: skip

    def picks(self, micrograph: str) -> pl.DataFrame:
        """The picks of a micrograph.

        Raises:
            NoPicks: nothing speaks of it, or it cannot be told which file does.
            DatasetError: its file is broken.
        """
        if self._named and not self._has_file(micrograph):
            return self._by_name(micrograph)
        file = self._file_of(micrograph)
        other = self._taken.setdefault(str(file), micrograph)
        if other != micrograph:
            raise NoPicks(
                f"{file} has the picks of {other}, too: the names do not tell which of the two is meant"
            )
        table = read_picks(file)
        return table.drop(NAME, strict=False)

    def _has_file(self, micrograph: str) -> bool:
        """Whether, beside files that speak of several micrographs, one is of this."""
        return bool(self._files) and any(
            self._files.get(mine) or self._longer(mine) for mine in self._stems(micrograph)
        )

    def remarks(self) -> list[Remark]:
        """What was not of any micrograph."""
        left = [name for name in self._named if name not in self._taken]
        count = sum(self._named[name].height for name in left)
        words = "of micrographs that are not among these left out"
        return [Remark(left[0], words, count, "pick")] if count else []

    def _take_names(self, table: pl.DataFrame) -> None:
        for (name,), part in table.group_by(NAME, maintain_order=True):
            text = str(name)
            if text in self._named:
                self._named[text] = pl.concat([self._named[text], part.drop(NAME)], how="diagonal_relaxed")
                continue
            self._named[text] = part.drop(NAME)
            self._by_stem.setdefault(_plain(stem(text)), []).append(text)

    def _by_name(self, micrograph: str) -> pl.DataFrame:
        """From a file that speaks of all: one that has no pick in it has none."""
        found = [micrograph] if micrograph in self._named else []
        if not found:
            own = self._stems(micrograph)
            found = self._nearest(micrograph, [name for one in own for name in self._by_stem.get(one, [])])
            if len(found) == 1 and (rival := self._rival(micrograph, _plain(stem(found[0])), found[0])):
                raise NoPicks(f"{NAME} {found[0]} may be {rival} or {micrograph}")
        if not found and self.names_match == WITHIN:
            found = self._within(micrograph)
        if len(found) > 1:
            raise NoPicks(f"{NAME} {found[0]} and {found[1]} may both be {micrograph}")
        if found:
            other = self._taken.setdefault(found[0], micrograph)
            if other != micrograph:
                raise NoPicks(f"{NAME} {found[0]} may be {other} or {micrograph}")
            return self._named[found[0]]
        if self._broken:
            # Its picks may stand there.
            raise NoPicks(
                f"{NAME} {micrograph} is in no file that can be read; {next(iter(self._broken.values()))}"
            )
        if not self._does_any_match():
            raise NoPicks(self._why_none(micrograph))
        return next(iter(self._named.values())).clear()

    def _does_any_match(self) -> bool:
        return bool(self._taken) or any(
            self._by_stem.keys() & {*self._stems(name)} or (self.names_match == WITHIN and self._within(name))
            for name in self._known
        )

    def _why_none(self, micrograph: str) -> str:
        within = sum(bool(self._within(name)) for name in self._known)
        hint = (
            f"; {within} of {len(self._known)} are part of a longer name there: names_match=within takes those"
            if within and self.names_match != WITHIN
            else ""
        )
        return (
            f"{NAME} in the file, such as {next(iter(self._named))}, is none of the micrographs, such as {micrograph}: "
            f"0 of {len(self._named)} names match{hint}"
        )

    def _within(self, micrograph: str) -> list[str]:
        """Names that have the micrograph's as a part, and no longer one of another micrograph."""
        mine = _plain(stem(micrograph))
        found = []
        for text, names in self._by_stem.items():
            if is_part(mine, text):
                longer = [
                    other for other in self._micrographs if len(other) > len(mine) and is_part(other, text)
                ]
                found += [] if longer else names
        return self._nearest(micrograph, found)

    def _file_of(self, micrograph: str) -> Path:
        stems = self._stems(micrograph)
        by_stem = {one: files for one in stems if (files := self._files.get(one, []) or self._longer(one))}
        # Of its name here and that of its movie one has to decide.
        mine = next(iter(by_stem), stems[0])
        found = [path for files in by_stem.values() for path in files]
        if not found and self.names_match == WITHIN:
            parts = [text for text in self._files if is_part(mine, text)]
            found = [
                path for text in parts for path in self._files[text] if not self._is_of_longer(mine, text)
            ]
        if not found:
            example = next(iter(self._files.values()))[0] if self._files else None
            such = f"; there is for instance {example.name}" if example else ""
            raise NoPicks(f"no coordinate file is called {stem(micrograph)}, or begins with it{such}")
        nearest = self._nearest(micrograph, [str(path) for path in found])
        if len(nearest) > 1:
            raise NoPicks(f"its picks may be {nearest[0]} or {nearest[1]}: the folders do not tell which")
        # The other way round, too: another micrograph of this name may fit the file as well, or better.
        file = nearest[0]
        if Path(file) not in by_stem.get(mine, [Path(file)]):
            mine = next(one for one, files in by_stem.items() if Path(file) in files)
        rivals = [name for name in self._micrographs.get(mine, []) if name != micrograph]
        own = self._fit(micrograph, file) if rivals else 0
        for rival in rivals:
            if self._fit(rival, file) > own:
                raise NoPicks(
                    f"no coordinate file is called {stem(micrograph)} but {file}, which is of {rival}"
                )
            if self._fit(rival, file) == own:
                raise NoPicks(f"{file} may be of {micrograph} or of {rival}: the folders do not tell which")
        return Path(file)

    def _stems(self, micrograph: str) -> list[str]:
        """What files of its picks may be called after: its name in the project, and the one that its file came with.

        They differ where an import made a name readable, or numbered it.
        """
        own = _plain(stem(micrograph))
        found = [own]
        for name in dict.fromkeys((micrograph, below_job(micrograph))):
            file = self._import_of(self.root / name)
            source = None if file is None else source_of(file)
            if source is not None:
                found.append(_plain(source.stem))
        return [*dict.fromkeys(found)]

    def _import_of(self, path: Path) -> Path | None:
        """The link or copy that an import made for a micrograph or for its movie, which has another ending."""
        base = path.with_suffix("")
        for ending in (path.suffix, *_ENDINGS):
            link = base.with_name(base.name + ending)
            if source_of(link) is not None:
                return link
        if not str(path).startswith(f"{self.root}/Movies/"):
            return None
        # Motion correction writes `_` for dots; listed once, for those that come later have endings that are known.
        if path.parent not in self._links:
            entries = [*path.parent.iterdir()] if path.parent.is_dir() else []
            self._links[path.parent] = {
                _plain(one.stem): one for one in entries if source_of(one) is not None
            }
        return self._links[path.parent].get(_plain(base.name))

    def _rival(self, micrograph: str, mine: str, name: str) -> str:
        """Another micrograph that a name may mean as well, by where it came from."""
        rivals = [one for one in self._micrographs.get(mine, []) if one != micrograph]
        own = self._fit(micrograph, name) if rivals else 0
        return next((one for one in rivals if self._fit(one, name) >= own), "")

    def _longer(self, mine: str) -> list[Path]:
        """Files whose names go on behind the micrograph's with what a program puts there."""
        fitting = {
            text: text[len(mine) :]
            for text in self._files
            if text.startswith(mine)
            and _SUFFIX.fullmatch(text[len(mine) :])
            and not self._is_of_longer(mine, text)
        }
        if len(fitting) < 2:
            usual = self._usual_suffix()
            # `_Data_autopick`, where all others end with `_autopick`, is of a micrograph `..._Data` that is not here.
            fitting = {
                text: suffix for text, suffix in fitting.items()
                if not usual or suffix == usual or not suffix.endswith(usual)
            }  # fmt: skip
        else:
            usual = self._usual_suffix()
            if any(suffix == usual for suffix in fitting.values()):
                fitting = {text: suffix for text, suffix in fitting.items() if suffix == usual}
        return [path for text in fitting for path in self._files[text]]

    def _is_of_longer(self, mine: str, text: str) -> bool:
        """Whether a file's name fits a micrograph with a longer name."""
        return any(
            text[:end] in self._micrographs
            for end in range(len(mine) + 1, len(text) + 1)
            if end == len(text) or text[end] in "_.-"
        )

    def _usual_suffix(self) -> str:
        """What most files have behind the names of micrographs; "" where that cannot be told."""
        counts: Counter[str] = Counter()
        for text in self._files:
            ends = [place for place, sign in enumerate(text) if sign in "_.-"]
            known = [end for end in ends if text[:end] in self._micrographs]
            if known and _SUFFIX.fullmatch(text[known[-1] :]):
                counts[text[known[-1] :]] += 1
        (first, count), *others = counts.most_common(2) or [("", 0)]
        return first if not others or others[0][1] < count else ""

    def _nearest(self, micrograph: str, names: Sequence[str]) -> list[str]:
        """Of several names those whose folders are most like the micrograph's."""
        if len(names) < 2:
            return [*names]  # to look for folders takes the time of a listing
        fits = {name: self._fit(micrograph, name) for name in names}
        return [name for name in names if fits[name] == max(fits.values())]

    def _fit(self, micrograph: str, name: str) -> int:
        """How many folders before the last name are the same; in the project, or where the file came from."""
        own = [PurePosixPath(below_job(micrograph)), *self._sources(micrograph)]
        theirs = PurePosixPath(name).parent.parts
        return max(_common_tail(one.parent.parts, theirs) for one in own)

    def _sources(self, micrograph: str) -> list[PurePosixPath]:
        """Where the micrograph, or the movie that it is of, came from."""
        found = []
        for name in dict.fromkeys((micrograph, below_job(micrograph))):
            path = self.root / name
            files = [path, *path.parent.glob(f"{glob.escape(path.stem)}.*")]
            known = [os.path.realpath(file) if file.is_symlink() else source_of(file) for file in files]
            found += [PurePosixPath(source) for source in known if source is not None]
        return found


def _common_tail(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        count += 1
    return count


def _plain(name: str) -> str:
    """A name as motion correction writes it."""
    return name.replace(".", "_")
