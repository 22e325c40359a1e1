"""Classes in two and three dimensions: averages with their shares, and how the classification settled."""

from collections.abc import Sequence
from pathlib import Path

from cryoloom.em.names import stem
from cryoloom.project.iterations import course, newest
from cryoloom.protocol.views import (
    Axis,
    Block,
    Chart,
    Gallery,
    Look,
    Rows,
    TableBlock,
    Text,
    Values,
    View,
    VolumeBlock,
)
from cryoloom.views.orientations import orientation_views
from cryoloom.views.tables import numbers, singles_of, table_of

_MODEL = "model.star"
_SHARE, _IMAGE = "rlnClassDistribution", "rlnReferenceImage"
_NUMBER = "rlnClassNumber"
_RESOLUTION = "rlnEstimatedResolution"
MOST = 200  # averages of one gallery


def class2d_views(root: Path, job: str) -> list[View]:
    """Views of a 2D classification, while it runs or afterwards."""
    models = _models(root, job)
    if not models:
        return []
    numbers_of = (*models,)
    return [
        View(
            "classes", "Class averages",
            "The largest class first. Sharp averages with structure inside are particles; blurred, "
            "striped or empty ones are not.",
            (*models.values(),), lambda look: _averages(look, models), iterations=numbers_of,
        ),
        View(
            "class_table", "Classes",
            "Share, resolution and how exactly particles could be turned: high accuracy is few "
            "degrees.",
            (*models.values(),), lambda look: _table(look, models), iterations=numbers_of,
        ),
        *convergence_views(models),
    ]  # fmt: skip


def class3d_views(root: Path, job: str) -> list[View]:
    """Views of a 3D classification or an initial model: a map of each class."""
    models = _models(root, job)
    if not models:
        return []
    return [
        View(
            "slices", "Central slices of each class", "Secondary structure within, flat solvent around; alike classes are one.",
            (*models.values(),), lambda look: _slices(look, models), iterations=(*models,),
        ),
        View(
            "class_table", "Classes", "Share, resolution and how exactly particles could be turned.",
            (*models.values(),), lambda look: _table(look, models), iterations=(*models,),
        ),
        *convergence_views(models),
    ]  # fmt: skip


def refined_views(root: Path, job: str) -> list[View]:
    """Classes in 3D (of one class too) with the orientations of their particles."""
    shown = class3d_views(root, job)
    data, sampling = (newest(root / job, name) for name in ("data.star", "sampling.star"))
    if data is not None:
        shown += orientation_views(
            job + data.name, sampling=job + sampling.name if sampling is not None else ""
        )
    return shown


def selection_views(job: str) -> list[View]:
    """The averages that a choice of classes kept."""
    file = job + "class_averages.star"
    return [
        View(
            "averages", "Chosen classes", "The averages whose particles were kept, with the share that each had.",
            (file,), lambda look: _chosen(look, file),
        )
    ]  # fmt: skip


def convergence_views(models: dict[int, str]) -> list[View]:
    """Share of each class over the iterations."""
    if len(models) < 2:
        return []
    return [
        View(
            "convergence", "How the classes settled",
            "Lines that run level at the end: further iterations would change "
            "little.",
            (*models.values(),), lambda look: _convergence(look, models),
        )
    ]  # fmt: skip


# `7: 12.3 %`. RELION's references count from 1; those that it has re-centred stand in a stack of their own, whose table
# says of which class each is.
_LABEL = (
    f"concat(cast(coalesce(cast({_NUMBER} as int), cast(split_part({_IMAGE}, '@', 1) as int)) as varchar), ': ', "
    f"cast(round(100 * {_SHARE}, 1) as varchar), ' %')"
)


def _models(root: Path, job: str) -> dict[int, str]:
    """The model file of each iteration, as named in the project."""
    return {number: job + path.name for number, path in course(root / job, _MODEL).items()}


def _averages(look: Look, models: dict[int, str]) -> Sequence[Block]:
    assert look.iteration is not None
    file = models[look.iteration]
    classes = table_of(look.root / file, "model_classes")
    if not classes.height:
        return []
    pixel = singles_of(look.root / file, "model_general").get("rlnPixelSize") or 0.0
    rows = Rows(file, "model_classes", (_IMAGE, _SHARE, _NUMBER))
    return [
        Gallery(
            f"Class averages of iteration {look.iteration}", rows, _IMAGE, _LABEL,
            float(pixel), f"0 - {_SHARE}", across=8, most=MOST, selectable=True,
            caption=f"Number and share of each of {classes.height} classes.",
        )
    ]  # fmt: skip


def _chosen(look: Look, file: str) -> Sequence[Block]:
    classes = table_of(look.root / file, "")
    names = [str(name) for name in classes[_IMAGE].to_list()] if classes.height else []
    if all("@" in name for name in names):
        rows = Rows(file, "", (_IMAGE, _SHARE, _NUMBER))
        return [Gallery("Chosen classes", rows, _IMAGE, _LABEL, across=8, most=MOST)]
    # Of a classification in 3D: each class is a map, whose name has the class's number.
    shares = numbers(classes, _SHARE)
    return [
        VolumeBlock(f"{stem(name)}: {100 * share:.1f} %", name)
        for name, share in zip(names, shares, strict=True)
    ]


def _slices(look: Look, models: dict[int, str]) -> Sequence[Block]:
    assert look.iteration is not None
    classes = table_of(look.root / models[look.iteration], "model_classes")
    shares = numbers(classes, _SHARE)
    files = [str(name) for name in classes[_IMAGE].to_list()] if classes.height else []
    return [
        VolumeBlock(f"Class {number} of iteration {look.iteration}: {100 * share:.1f} %", file)
        for number, (file, share) in enumerate(zip(files, shares, strict=True), start=1)
    ]


def _table(look: Look, models: dict[int, str]) -> Sequence[Block]:
    assert look.iteration is not None
    classes = table_of(look.root / models[look.iteration], "model_classes")
    if not classes.height:
        return []
    rows = []
    for row in classes.with_row_index("class", offset=1).sort(_SHARE, descending=True).iter_rows(named=True):
        resolution, accuracy = row.get(_RESOLUTION), row.get("rlnAccuracyRotations")
        # RELION writes 999 for what it could not estimate, and 0 for what it did not: an initial model's accuracy.
        rows.append([
            str(row["class"]), f"{100 * row[_SHARE]:.1f} %",
            f"{resolution:.1f} Å" if resolution is not None and 0 < resolution < 900 else "unknown",
            f"{accuracy:.1f}°" if accuracy is not None and 0 < accuracy < 900 else "unknown",
        ])  # fmt: skip
    heads = ["class", "share", "resolution", "rotational accuracy"]
    return [TableBlock(f"Classes of iteration {look.iteration}", heads, rows)]


def _convergence(look: Look, models: dict[int, str]) -> Sequence[Block]:
    columns: dict[str, list[object]] = {"iteration": [], "share": [], "class": []}
    for number, file in sorted(models.items()):
        shares = numbers(table_of(look.root / file, "model_classes"), _SHARE)
        columns["iteration"] += [number] * len(shares)
        columns["share"] += [100 * share for share in shares]
        columns["class"] += [f"class {n}" for n in range(1, len(shares) + 1)]
    if len(set(columns["class"])) < 2:
        return [Text("How the classes settled", "All particles are in the one class.")]
    axes = Axis("iteration", "iteration", is_number=True), Axis("share", "share of particles, %")
    return [Chart("How the classes settled", "line", Values(columns), *axes, colour="class")]
