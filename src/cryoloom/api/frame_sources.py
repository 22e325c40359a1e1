"""From which jobs the rows of a table come, as far as their ids, or the names of their images, tell it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryoloom.errors import CryoloomError
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.item_ids import NAME_LABELS
from cryoloom.protocol.datasets import Coordinates, Dataset
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 500  # rows whose values are compared


@dataclass(frozen=True, slots=True)
class Source:
    """A set that rows come from, and how many of them."""

    dataset: Dataset
    rows: int
    rivals: tuple[Dataset, ...] = ()  # other sets with these rows, which contradict no more of their values


@dataclass(slots=True)
class _Candidate:
    dataset: Dataset
    keys: "pl.DataFrame"


def sources_of(project: ProjectFolder, frame: "pl.DataFrame", kind: type[Dataset]) -> list[Source]:
    """The sets that the rows come from, that of most rows first; rows that no set has are of none.

    Of several sets that hold the same rows (a classification has those of its input) the one is taken that names the same
    images, then whose values agree in most columns, then the smallest, then the newest.

    Args:
        project: whose jobs are looked at.
        frame: with ids, or names of images, movies or micrographs.
        kind: of the sets.
    """
    import polars as pl

    key = _key(frame)
    if not key:
        return []
    left = frame.select(pl.col(key).cast(pl.String)).drop_nulls().unique()
    # All of them: a set that is as good as another for the ids may have images of another binning.
    candidates = [
        _Candidate(dataset, keys)
        for dataset in _datasets(project, kind)
        if (keys := _keys(project, dataset, key)) is not None
    ]
    found: list[Source] = []
    while left.height and candidates:
        counts = [left.join(one.keys, on=key, how="semi").height for one in candidates]
        most = max(counts)
        if not most:
            break
        best = [one for one, count in zip(candidates, counts, strict=True) if count == most]
        agreeing = [_agreeing(project, one.dataset, frame, key) for one in best]
        chosen = min(range(len(best)), key=lambda i: (*agreeing[i].rank, best[i].keys.height, i))
        # Values that were changed since are those of no set: they speak against each alike.
        against = agreeing[chosen].contradicts
        rivals = [
            one.dataset for i, one in enumerate(best) if i != chosen and agreeing[i].contradicts <= against
        ]
        found.append(Source(best[chosen].dataset, most, (*rivals,)))
        left = left.join(best[chosen].keys, on=key, how="anti")
    return found


def _key(frame: "pl.DataFrame") -> str:
    """The column by which rows are known."""
    return next((label for label in (ITEM_ID, *NAME_LABELS) if label in frame.columns), "")


def _datasets(project: ProjectFolder, kind: type[Dataset]) -> Iterator[Dataset]:
    """The sets of a kind that jobs have made with success, the newest first."""
    for entry in reversed(project.entries()):
        fitting = [dataset for dataset in entry.outputs().values() if type(dataset) is kind]
        if fitting and entry.look().state == "succeeded":
            yield from (dataset for dataset in fitting if (project.root / dataset.path).is_file())


def _keys(project: ProjectFolder, dataset: Dataset, key: str) -> "pl.DataFrame | None":
    import polars as pl

    try:
        table = _table(project, dataset, {key})
    except (CryoloomError, OSError):
        return None  # what cannot be read is no source
    return table.select(pl.col(key).cast(pl.String)).unique() if key in table.columns else None


def _table(project: ProjectFolder, dataset: Dataset, columns: set[str]) -> "pl.DataFrame":
    from cryoloom.api.dataset import Dataset as Opened

    opened = Opened(project.root, dataset)
    if isinstance(dataset, Coordinates):
        return opened.picks()
    from cryoloom import star

    tables = star.tables_of(star.read(opened.file, columns=columns))
    tables.pop("optics", None)
    import polars as pl

    return tables.get(dataset.block, next(iter(tables.values()), pl.DataFrame()))


@dataclass(frozen=True, slots=True)
class _Agreement:
    """How the values of a sample of the rows compare with those of a set."""

    names: bool  # of images, movies or micrographs
    columns: int
    contradicts: frozenset[str]  # labels that both have, with other values

    @property
    def rank(self) -> tuple[int, int]:
        """The lower the better."""
        return -self.names, -self.columns


def _agreeing(project: ProjectFolder, dataset: Dataset, frame: "pl.DataFrame", key: str) -> _Agreement:
    import polars as pl

    own = frame.head(SAMPLE).with_columns(pl.col(key).cast(pl.String))
    theirs = _table(project, dataset, {*frame.columns}).with_columns(pl.col(key).cast(pl.String))
    both = own.join(theirs.unique(key), on=key, how="inner", suffix="__theirs")
    shared = [
        label for label in own.columns if f"{label}__theirs" in both.columns and _comparable(both, label)
    ]
    same = {label: bool((both[label] == both[f"{label}__theirs"]).fill_null(True).all()) for label in shared}
    name = next((label for label in NAME_LABELS if label in frame.columns), "")
    others = frozenset(label for label, is_same in same.items() if not is_same)
    return _Agreement(same.get(name, name == key), sum(same.values()), others)


def _comparable(both: "pl.DataFrame", label: str) -> bool:
    one, other = both[label].dtype, both[f"{label}__theirs"].dtype
    return one == other or (one.is_numeric() and other.is_numeric())
