"""2D classes: averages sorted by size, with their numbers; and how the classification settled."""

from pathlib import Path

from cryoloom.errors import CryoloomError
from cryoloom.project.iterations import course, newest
from cryoloom.protocol.blocks import Block, Gallery, TableBlock
from cryoloom.views import charts
from cryoloom.views.tables import numbers, table_of


def class2d_views(root: Path, job: str) -> list[Block]:
    """Views of a 2D classification, while it runs or afterwards."""
    model = newest(root / job, "model.star")
    if model is None:
        return []
    shown = class_views(root, model, "classes", f"Class averages, {model.name[4:9]}")
    return [*shown, *convergence_views(root / job)]


def selection_views(root: Path, job: str) -> list[Block]:
    """The averages that a choice of classes kept."""
    return _gallery(root, table_of(root / job / "class_averages.star", ""), "averages", "Chosen classes")


def class_views(root: Path, model: Path, name: str, title: str) -> list[Block]:
    """Averages and figures of all classes, the largest first."""
    classes = table_of(model, "model_classes")
    if not classes.height:
        return []
    classes = classes.with_row_index("class", offset=1).sort("rlnClassDistribution", descending=True)
    rows = []
    for row in classes.iter_rows(named=True):
        resolution = row.get("rlnEstimatedResolution")
        rows.append([
            str(row["class"]), f"{100 * row['rlnClassDistribution']:.1f} %",
            f"{resolution:.1f} Å" if resolution is not None else "", f"{row['rlnAccuracyRotations']:.1f}°",
        ])  # fmt: skip
    table = TableBlock(
        "class_table", "Classes", ["class", "share", "resolution", "rotational accuracy"], rows
    )
    return [*_gallery(root, classes, name, title), table]


def convergence_views(folder: Path) -> list[Block]:
    """Share of each class over the iterations."""
    columns: dict[str, list[object]] = {"iteration": [], "share": [], "class": []}
    for number, path in sorted(course(folder, "model.star").items()):
        shares = numbers(table_of(path, "model_classes"), "rlnClassDistribution")
        columns["iteration"] += [number] * len(shares)
        columns["share"] += [100 * share for share in shares]
        columns["class"] += [f"class {n}" for n in range(1, len(shares) + 1)]
    if len(set(columns["iteration"])) < 2:
        return []
    chart = charts.lines(
        columns,
        "iteration",
        "share",
        "class",
        x_title="iteration",
        y_title="share of particles, %",
        points=True,
    )
    return [charts.finished("convergence", "How the classes settled", chart)]


def _gallery(root: Path, classes, name: str, title: str) -> list[Block]:  # type: ignore[no-untyped-def]
    from cryoloom.images.mrc import image_of_reference
    from cryoloom.images.thumbnails import sheet

    if not classes.height or "rlnReferenceImage" not in classes.columns:
        return []
    names = [str(reference) for reference in classes["rlnReferenceImage"].to_list()]
    try:
        images = [image_of_reference(reference, root) for reference in names]
    except (CryoloomError, OSError):
        return []
    shares = numbers(classes, "rlnClassDistribution")
    labels = [
        f"{reference.partition('@')[0].lstrip('0')}: {100 * share:.1f} %"
        for reference, share in zip(names, shares, strict=True)
    ]
    return [Gallery(name, title, sheet(images, labels, columns=8), "Number and share of each class.")]
