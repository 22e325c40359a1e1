"""What foreign code wrote becomes a dataset of its kind, or the reason why it is none.

A table gets what it lacks and only the job's inputs can tell: optics groups, and the ids of items that have the names of
the inputs' items; new items get new ids. What is there is checked and never corrected: labels, numbers, groups, images, ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.em.joining import with_groups
from cryoloom.em.numbers import check_numbers
from cryoloom.em.optics import NAME, NUMBER, check_form, check_groups
from cryoloom.errors import DatasetError
from cryoloom.images.headers import read_header
from cryoloom.project.forms.coordinate_files import own_table
from cryoloom.project.item_ids import item_id, pick_ids, with_ids
from cryoloom.protocol.datasets import (
    ClassAverages,
    Coordinates,
    Dataset,
    HalfMaps,
    LocalResolution,
    Mask,
    Micrographs,
    Movies,
    Particles,
    Table,
    Volume,
)
from cryoloom.protocol.external import ExternalCode, Promise
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.runner.context import RunContext
from cryoloom.runner.images_named import check_files, check_images, check_stacks
from cryoloom.runner.looking import check_result
from cryoloom.runner.picks import MICROGRAPH, write_picks

X, Y = "rlnCoordinateX", "rlnCoordinateY"
# What a kind's items are known by, and what RELION 3.1 wants to know of their optics.
LABELS: dict[type[Dataset], str] = {
    Movies: "rlnMicrographMovieName",
    Micrographs: MICROGRAPH,
    Particles: "rlnImageName",
    ClassAverages: "rlnReferenceImage",
    Coordinates: MICROGRAPH,
}
_MICROSCOPE = ("rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast")
OPTICS: dict[type[Dataset], tuple[str, ...]] = {
    Movies: ("rlnMicrographOriginalPixelSize", *_MICROSCOPE),
    Micrographs: ("rlnMicrographPixelSize", *_MICROSCOPE),
    Particles: ("rlnImagePixelSize", "rlnImageSize", *_MICROSCOPE),
}
_ID = r"^i[0-9a-f]{15}(?:_[0-9]+)*$"
_NO_ID = ("", "None", "<NA>", "nan")


@dataclass(frozen=True, slots=True)
class Given:
    """One table among the inputs."""

    dataset: Dataset
    items: pl.DataFrame
    optics: pl.DataFrame | None


def admit_outputs(run: RunContext) -> list[str]:
    """Look at every promised output; tables are completed. Returns what is to be said.

    Raises:
        CryoloomError: the first that is missing, empty, or not of its kind.
    """
    code = run.protocol
    assert isinstance(code, ExternalCode)
    files, said = code.output_files(run.job), []
    for name, promise in code.promises().items():
        where = f"{run.name}: output {name}"
        path = run.root / run.job.file(promise.file)
        if not path.is_file() or not path.stat().st_size:
            raise DatasetError(
                where, found="empty (0 bytes)" if path.is_file() else "missing",
                expected=f"the file {run.job.file(promise.file)}", hint="What is promised has to be written there.",
            )  # fmt: skip
        if issubclass(promise.kind, Table):
            said += _admit_table(run, promise, path, files[name])
        elif issubclass(promise.kind, Volume | Mask | HalfMaps | LocalResolution):
            _check_map(path, where)
        check_result(run.root, where, files[name])
    return said


def _admit_table(run: RunContext, promise: Promise, path: Path, dataset: Dataset) -> list[str]:
    shown = run.job.file(promise.file)
    blocks = star.tables_of(star.read(path))
    names = [name for name, table in blocks.items() if name != "optics" and table.height]
    block = promise.kind.block if promise.kind.block in names else names[0] if len(names) == 1 else ""
    if not names or (not block and names != [""]):
        raise DatasetError(
            f"{shown}", found=f"{len(names)} tables with rows" if names else "without a row",
            expected=f"one table of {promise.kind.kind}",
        )  # fmt: skip
    items = before = blocks.pop(block)
    label = LABELS.get(promise.kind, "")
    if label and label not in items.columns:
        raise DatasetError(
            f"{shown}: data_{block}", found=f"without {label}", expected=f"{promise.kind.kind}"
        )
    for name, table in {**blocks, block: items}.items():
        check_numbers(table, path, name)
    given = [*_tables_given(run)]
    if promise.kind is Coordinates:
        return [_admit_picks(run, items, dataset, given, shown)]
    optics = blocks.pop("optics", None)
    known_optics = optics
    if promise.kind in OPTICS:
        optics = _whole(_optics(optics, given, promise.kind, shown))
        items = _in_groups(_whole(items), optics, shown)
        check_form(optics, items, shown)
    if promise.kind is Particles:
        assert optics is not None
        items = check_images(run.root, items, optics, shown)
    elif promise.kind is ClassAverages:
        items = check_stacks(run.root, items, label, shown)
    elif label:
        items = check_files(run.root, items, label, shown)
    items, words = _with_ids(run, promise, items, given, label, shown)
    wanted = promise.kind.block or block
    if wanted != block or optics is not known_optics or not items.equals(before):
        head = {} if optics is None else {"optics": optics}
        star.write(path, {**head, wanted: items, **blocks})
    return [f"{promise.name}: {words}"] if words else []


def _tables_given(run: RunContext) -> list[Given]:
    found = []
    for dataset in run.protocol.given.values():
        path = run.root / dataset.path
        if isinstance(dataset, Coordinates):
            # RELION's suffix file names the micrographs that were picked.
            files = [run.root / word for word in path.read_text().split()]
            found += [
                _given(Micrographs(str(file.relative_to(run.root))), file) for file in files if file.is_file()
            ]
        elif isinstance(dataset, Table) and path.suffix == ".star" and path.is_file():
            found.append(_given(dataset, path))
    return found


def _given(dataset: Dataset, path: Path) -> Given:
    tables = star.tables_of(star.read(path))
    optics = tables.pop("optics", None)
    items = tables.get(dataset.block)
    return Given(dataset, items if items is not None else next(iter(tables.values()), pl.DataFrame()), optics)


def _optics(
    optics: pl.DataFrame | None, given: Sequence[Given], kind: type[Dataset], shown: str
) -> pl.DataFrame:
    """The optics groups of an output, its own or those of the inputs.

    Raises:
        DatasetError: there are none, or several that differ; or they lack what RELION needs of this kind.
    """
    if optics is None:
        same_kind = [one.optics for one in given if one.optics is not None and type(one.dataset) is kind]
        theirs = same_kind or [one.optics for one in given if one.optics is not None]
        optics = _common(theirs)
        if optics is None:
            wanted = ", ".join((NUMBER, NAME, *OPTICS[kind]))
            raise DatasetError(
                f"{shown}", found="without data_optics" + (", and its inputs have several" if theirs else ""),
                expected="a table of optics groups", hint=f"Write data_optics too: {wanted}.",
            )  # fmt: skip
    missing = [label for label in (NUMBER, NAME, *OPTICS[kind]) if label not in optics.columns]
    if missing:
        raise DatasetError(
            f"{shown}: data_optics", found=f"without {', '.join(missing)}", expected=f"optics groups of {kind.kind}",
            hint="Those of the inputs are of another kind: write data_optics too.",
        )  # fmt: skip
    for label in (NUMBER, NAME):
        if optics[label].is_duplicated().any():
            twice = optics.filter(optics[label].is_duplicated())[label][0]
            raise DatasetError(
                f"{shown}: {label} in data_optics", found=f"{twice} twice", expected="each once"
            )
    return optics


def _common(tables: Sequence[pl.DataFrame]) -> pl.DataFrame | None:
    """The groups of all tables, where one number means the same group in each."""
    if len(tables) == 1:
        return tables[0]
    merged: pl.DataFrame | None = None
    for table in tables:
        merged, numbers = with_groups(merged, table)
        if any(old != new for old, new in numbers.items()):
            return tables[0] if all(one.equals(tables[0]) for one in tables) else None
    return merged


def _whole(table: pl.DataFrame) -> pl.DataFrame:
    """Numbers of groups as integers: pandas makes 1.0 of them where one was missing for a while."""
    is_float = NUMBER in table.columns and table[NUMBER].dtype.is_float()
    return table.with_columns(pl.col(NUMBER).cast(pl.Int64)) if is_float else table


def _in_groups(items: pl.DataFrame, optics: pl.DataFrame, shown: str) -> pl.DataFrame:
    if NUMBER not in items.columns:
        if optics.height != 1:
            raise DatasetError(
                f"{shown}", found=f"without {NUMBER}, beside {optics.height} optics groups", expected="each item's group"
            )  # fmt: skip
        return items.with_columns(pl.lit(optics[NUMBER][0]).alias(NUMBER))
    check_groups(optics[NUMBER].to_list(), items, shown)
    return items


def _with_ids(
    run: RunContext, promise: Promise, items: pl.DataFrame, given: Sequence[Given], label: str, shown: str
) -> tuple[pl.DataFrame, str]:
    """The items with an id each, and how many came from where.

    Raises:
        DatasetError: an id that is none, or that two rows have.
    """
    own = _own_ids(items, shown)
    _check_ids(own, items, given, label, shown)
    if all(own):
        # By far the most; of a million rows nothing is looked up by name then.
        return items.with_columns(
            pl.Series(ITEM_ID, own)
        ), f"{items.height} items: all with the ids that they had"
    known = _ids_by_name(given, label)
    names = items[label].cast(pl.String).to_list() if label else [None] * items.height
    ids: list[str] = []
    taken = {one for one in own if one}
    counts = {"kept": 0, "by name": 0, "new": 0}
    for row, (one, name) in enumerate(zip(own, names, strict=True), start=1):
        if one:
            counts["kept"] += 1
        elif (found := known.get(str(name))) is not None and found not in taken:
            one = found
            counts["by name"] += 1
        else:
            # Fixed when it is first written: by job, output, place in the table and name.
            one = item_id(f"{run.spec.id} {promise.name} {row} {name}")
            counts["new"] += 1
        taken.add(one)
        ids.append(one)
    words = {
        "kept": "with the ids that they had",
        "by name": "known by their names among the inputs",
        "new": "new, with ids of their own",
    }
    said = ", ".join(f"{count} {words[name]}" for name, count in counts.items() if count)
    return items.with_columns(pl.Series(ITEM_ID, ids, dtype=pl.String)), f"{items.height} items: {said}"


def _own_ids(items: pl.DataFrame, shown: str) -> list[str]:
    """The ids that a table has, "" where a row has none."""
    if ITEM_ID not in items.columns:
        return [""] * items.height
    column = items[ITEM_ID].cast(pl.String).fill_null("")
    column = pl.select(pl.when(column.is_in(_NO_ID)).then(pl.lit("")).otherwise(column)).to_series()
    there = column != ""
    wrong = there & ~column.str.contains(_ID)
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise DatasetError(
            f"{shown}: {ITEM_ID} in row {row + 1}", found=repr(column[row]), expected="an id as Cryoloom gives them",
            hint="Keep the column of the input's rows as it is; leave it out, or empty, for new items.",
        )  # fmt: skip
    twice = there & column.is_duplicated()
    if twice.any():
        first, second = (int(row) for row in (column == column[int(twice.arg_true()[0])]).arg_true()[:2])
        raise DatasetError(
            f"{shown}: {ITEM_ID} in row {second + 1}", found=f"{column[second]}, as in row {first + 1}",
            expected="another id in each row", hint="Leave it empty for copies of an item: they get ids of their own.",
        )  # fmt: skip
    return [str(one) for one in column.to_list()]


def _check_ids(
    own: Sequence[str], items: pl.DataFrame, given: Sequence[Given], label: str, shown: str
) -> None:
    """That no row has the id of another item of the inputs: a column that was put beside the wrong rows.

    An id whose images no input names is one of other images of the item; a name may have several, as copies of symmetry do.

    Raises:
        DatasetError: the first row whose name and id are those of two items.
    """
    known = pl.concat([*_named_ids(given, label)]) if label and any(own) else _NO_PAIRS
    rows = pl.DataFrame({"name": items[label].cast(pl.String), "id": own}) if known.height else _NO_PAIRS
    rows = rows.with_row_index("row", 1).join(known, on=["name", "id"], how="anti", maintain_order="left")
    wrong = rows.join(known, on="name", how="semi").join(known, on="id", how="semi").sort("row")
    if wrong.height:
        row, name, id = wrong.row(0)
        other = known.filter(pl.col("id") == id)["name"][0]
        raise DatasetError(
            f"{shown}: {ITEM_ID} in row {row}", found=f"{id}, that of {other}", expected=f"the id of {name}",
            hint="Keep id and name of a row together; or leave the ids out: rows are known by their names.",
        )  # fmt: skip


_NO_PAIRS = pl.DataFrame(schema={"name": pl.String, "id": pl.String})


def _named_ids(given: Sequence[Given], label: str) -> Iterator[pl.DataFrame]:
    """Names and ids of the inputs' items of this kind: a particle's row names a micrograph too, and is none."""
    yield _NO_PAIRS
    for one in given:
        if label and LABELS.get(type(one.dataset)) == label and label in one.items.columns:
            ids = with_ids(one.items)
            yield ids.select(
                pl.col(label).cast(pl.String).alias("name"), pl.col(ITEM_ID).cast(pl.String).alias("id")
            )


def _ids_by_name(given: Sequence[Given], label: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pairs in _named_ids(given, label):
        for name, id in pairs.iter_rows():
            found.setdefault(str(name), str(id))
    return found


def _admit_picks(
    run: RunContext, picks: pl.DataFrame, dataset: Dataset, given: Sequence[Given], shown: str
) -> str:
    """One table of picks becomes a file a micrograph, and RELION's suffix file.

    Raises:
        DatasetError: no micrographs among the inputs, picks of others, or without a place.
    """
    missing = [label for label in (X, Y) if label not in picks.columns]
    if missing:
        raise DatasetError(
            f"{shown}", found=f"without {missing[0]}", expected=f"picks with {X} and {Y}, in px"
        )
    of = next((one for one in given if isinstance(one.dataset, Micrographs)), None)
    if of is None:
        raise DatasetError(
            f"{run.name}: inputs", found="without micrographs", expected="the micrographs that were picked",
            hint="Give them as an input: RELION's coordinates name their table.",
        )  # fmt: skip
    micrographs = with_ids(of.items)
    known = {str(name) for name in micrographs[MICROGRAPH].to_list()}
    for row, name in enumerate(picks[MICROGRAPH].cast(pl.String).to_list(), start=1):
        if name not in known:
            raise DatasetError(
                f"{shown}: {MICROGRAPH} in row {row}", found=f"{name}, which {of.dataset.path} does not have",
                expected="one of its micrographs",
            )  # fmt: skip
    own = _own_ids(picks, shown)
    fresh: dict[int, str] = {}
    for name, part in picks.with_row_index("row").group_by(MICROGRAPH, maintain_order=True):
        ids = pick_ids(run.spec.id, str(name[0]), part.select(X, Y).iter_rows())
        fresh |= dict(zip(part["row"].to_list(), ids, strict=True))
    ids = [one or fresh[row] for row, one in enumerate(own)]
    rows = write_picks(
        run.root, dataset, micrographs, picks.with_columns(pl.Series(ITEM_ID, ids, dtype=pl.String))
    )
    suffix_file = run.root / dataset.path
    star.write(suffix_file.with_name(own_table(suffix_file)), {"coordinates": rows})
    suffix_file.write_text(f"{of.dataset.path}\n")
    return f"{picks.height} picks on {rows.height} micrographs"


def _check_map(path: Path, where: str) -> None:
    """That a map is a cube whose header says its pixel size."""
    header = read_header(path)
    (x, y), z = header.size, header.frames
    if not x == y == z:
        raise DatasetError(f"{where}: {path.name}", found=f"{x} x {y} x {z} px", expected="a cube")
    if not header.angpix:
        raise DatasetError(
            f"{where}: {path.name}", found="without a pixel size in its header", expected="Å per voxel"
        )
