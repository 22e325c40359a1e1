"""What a movie or micrograph is called: its key, its name below a job, its link, the files RELION makes of it.

A name stands for one item only where it is one to one, so all who make a name of a name do it here:
imports, picks, extraction, comparison, programs. Pure: text in, text out; no file is touched.

RELION 3.1.3's rules, each measured with its programs:

- *Below a job*: everything up to and with the first folder whose name begins with `job` and three digits is cut
  off: `MotionCorr/job002/Movies/job001/a.mrc` → `Movies/job001/a.mrc`, `Movies/job001/a.mrc` → `a.mrc`. Picking,
  CTF estimation and extraction put their files there, so two micrographs of two imports may meet in one file.
- *Motion correction* keeps the movie's whole name and writes `_` for each dot but that of the ending:
  `Movies/job001/26.11.2026/m_1.5.tif` → `MotionCorr/job002/Movies/job001/26_11_2026/m_1_5.mrc`.
- An ending is what follows the last dot of the last part.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile

_JOB = re.compile(r"(?:^|/)job\d\d\d[^/]*/")
_MOVIES = "Movies/"
_ENDING = re.compile(r"\.[A-Za-z]\w*$")
# What RELION or a STAR file takes for something else: blanks, images of stacks (@), formats (:), comments, quotes,
# patterns, and what a shell would.
_MISREAD = re.compile(r"""[\s@:#"'*?\[\]{}<>|;&$!\\`\x00-\x1f\x7f]+""")


def below_job(name: str) -> str:
    """A name without the job that made the file, by RELION's rule."""
    found = _JOB.search(name)
    return name[found.end() :] if found else name


def without_ending(name: str) -> str:
    """`a/b.c/d.e.mrc` → `a/b.c/d.e`."""
    folder, slash, last = name.rpartition("/")
    stem = last.rpartition(".")[0] or last
    return f"{folder}{slash}{stem}"


def stem(name: str) -> str:
    """The last part without its ending."""
    return without_ending(name).rpartition("/")[2]


def key(name: str) -> str:
    """What a micrograph and its movie share, whatever job made them: the same for both, another for any other.

    `MotionCorr/job002/Movies/job001/a_5.mrc` and `Movies/job001/a.5.tiff` → `Movies/job001/a_5`.
    """
    return without_ending(name if name.startswith(_MOVIES) else below_job(name)).replace(".", "_")


def micrograph_of_movie(job: str, movie: str) -> str:
    """Where motion correction writes a movie's micrograph; `job` with its slash, as RELION has it."""
    return f"{job}{without_ending(movie).replace('.', '_')}.mrc"


def file_of_micrograph(micrograph: str, ending: str) -> str:
    """A file that RELION makes of a micrograph, below the job: `_autopick.star`, `.mrcs`, `.ctf`.

    RELION writes job and name one behind the other, so that of an absolute name all folders stand below the job.
    """
    return without_ending(below_job(micrograph)).lstrip("/") + ending


def is_part(part: str, whole: str) -> bool:
    """Whether a name stands in another one as a whole: `a_1` in `x_a_1_dw`, and not in `a_12`."""
    return (
        re.search(rf"(?<![A-Za-z0-9]){re.escape(part)}(?![A-Za-z0-9])", whole.replace("-", "_")) is not None
    )


def meant(asked: str, names: Sequence[str]) -> list[str]:
    """The names that a user may mean: the same one; with folders those of the same movie or that end so; else those
    alike without folders and ending; else a number; else those with that part.

    `4` is the fourth, `0004` always a part of a name. Where `4` stands as a whole number in one name only, and that is not the
    fourth, both may be meant; beyond the last a number is only looked for in names. What is asked for and not there must not
    be another: a part cuts no number (`m_1` is none of `m_10`), what follows a dot may be no ending (`m_1.5` is not `m_1`),
    and of equal names in several folders it is the one in the folder that is named.
    """
    ways: list[Callable[[str], object]] = [asked.__eq__]
    if "/" in asked:
        ways += [lambda name: f"/{name}".endswith(f"/{asked}"), lambda name: key(name) == key(asked)]
    else:
        bare = _ENDING.sub("", asked)
        ways += [lambda name: stem(name) == asked, lambda name: stem(name) == bare]
    for fits in ways:
        found = [name for name in names if fits(name)]
        if found:
            return found
    if "/" in asked:
        return []
    numbered = [name for name in names if asked in re.findall(r"\d+", stem(name))]
    if _is_count(asked):
        nth = [*names[int(asked) - 1 : int(asked)]]
        return [*dict.fromkeys([*nth, *numbered])] if len(numbered) == 1 or not nth else nth
    before = r"(?<!\d)" if asked[:1].isdigit() else ""
    behind = r"(?!\d)" if asked[-1:].isdigit() else ""
    part = re.compile(f"{before}{re.escape(asked)}{behind}")
    return numbered or [name for name in names if part.search(stem(name))]


def several_words(asked: str, found: Sequence[str]) -> str:
    """What `meant` found where it is more than one, in words."""
    if len(found) == 2 and _is_count(asked):
        return (
            f"two that may be meant: {found[0]} is number {asked} of them, {found[1]} has {asked} in its name"
        )
    return f"{len(found)} of them, such as {found[0]} and {found[1]}"


def _is_count(asked: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]*", asked) is not None


def readable(name: str) -> str:
    """A name with `_` in place of what RELION misreads."""
    return _MISREAD.sub("_", name)


@dataclass(slots=True)
class Names:
    """Gives each source a name of its own; names that would meet in a later job are numbered."""

    _of_sources: dict[str, str] = field(default_factory=dict)
    _keys: set[str] = field(default_factory=set)

    def know(self, name: str) -> None:
        """A name that was given before, whatever its source was."""
        self._keys.add(_key_below(name))

    def give(self, source: str, wanted: str, is_free: Callable[[str], bool] = lambda _: True) -> str:
        """The name of a source: the wanted one, made readable, or the first numbered one that is free.

        Args:
            is_free: whether anybody else has a name.
        """
        if source in self._of_sources:
            return self._of_sources[source]
        name = readable(wanted)
        folder, slash, last = name.rpartition("/")
        first, dot, ending = last.rpartition(".")
        first, ending = (first, dot + ending) if first else (last, "")
        numbered = (f"{folder}{slash}{first}_{number}{ending}" for number in count(2))
        while _key_below(name) in self._keys or not is_free(name):
            name = next(numbered)
        self._of_sources[source] = name
        self._keys.add(_key_below(name))
        return name


def _key_below(name: str) -> str:
    return key(f"{_MOVIES}{name}")


@dataclass(frozen=True, slots=True)
class Clash:
    """Items whose file would be one and the same."""

    file: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        others = " and ".join(self.names)
        return f"{others} would share {self.file}; process them in jobs of their own, or import one under another name"


@dataclass(slots=True)
class Partners:
    """Finds the micrograph that another job's name means: the exact name, else the one name with the same key."""

    _exact: set[str] = field(default_factory=set)
    _by_key: dict[str, list[str]] = field(default_factory=dict)

    def add(self, names: Iterable[str]) -> None:
        """Names that may be meant."""
        for name in names:
            if name not in self._exact:
                self._exact.add(name)
                self._by_key.setdefault(key(name), []).append(name)

    def of(self, name: str) -> Sequence[str]:
        """The names that may be meant: none, the one, or several where it is ambiguous."""
        if name in self._exact:
            return (name,)
        return self._by_key.get(key(name), ())

    def __len__(self) -> int:
        return len(self._exact)


@dataclass(slots=True)
class Tails:
    """Finds which of another program's files a name means: those with its last part, nearest folders first.

    Of several with that last part it is the one whose folders agree with the name's from the end as far as any does.
    For names that share no job: a table that another program wrote, files that a microscope's software left.
    """

    _by_stem: dict[str, list[str]] = field(default_factory=dict)

    def add(self, names: Iterable[str]) -> None:
        """Files that may be meant."""
        for name in names:
            same = self._by_stem.setdefault(_stem_key(name), [])
            if name not in same:
                same.append(name)

    def of(self, name: str) -> Sequence[str]:
        """The files that may be meant: none, the one, or several where it is ambiguous."""
        return self._nearest(name, self._by_stem.get(_stem_key(name), ()))

    def __len__(self) -> int:
        return sum(map(len, self._by_stem.values()))

    def of_beginning(self, name: str) -> Sequence[str]:
        """As `of`, where the name may go on behind the file's: `x_Data_1_fractions.tiff` means `x_Data_1.xml`.

        The longest that ends where a word of the name ends: `x_Data_1` is no beginning of `x_Data_12`.
        """
        whole = _stem_key(name)
        for end in range(len(whole), 0, -1):
            if whole[:end] in self._by_stem and not whole[end : end + 1].isalnum():
                return self._nearest(name, self._by_stem[whole[:end]])
        return ()

    def _nearest(self, name: str, files: Sequence[str]) -> Sequence[str]:
        shared = [_shared_folders(name, file) for file in files]
        return [file for file, count in zip(files, shared, strict=True) if count == max(shared)]


def _stem_key(name: str) -> str:
    return stem(name).replace(".", "_")


def _shared_folders(one: str, other: str) -> int:
    """In how many folders two names agree, counted from their ends."""
    mine, theirs = (name.replace(".", "_").split("/")[-2::-1] for name in (one, other))
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(mine, theirs, strict=False)))
