"""Groups of like defocus: how many particles each has, over the defocus that it spans."""

from collections.abc import Sequence

import polars as pl

from cryoloom.protocol.views import Axis, Block, Chart, Look, Rows, Values, View
from cryoloom.views.tables import frame_of

NAME, DEFOCUS = "rlnGroupName", "rlnDefocusU"


def groups_view(file: str) -> View:
    """Of a set of particles with groups."""
    return View(
        "groups", "Particles in each defocus group",
        "Each group gets a noise spectrum of its own: some tens of particles are enough, a handful is not.",
        (file,), lambda look: _groups(look, file),
    )  # fmt: skip


def groups_chart(groups: Sequence[tuple[str, int, float, float]]) -> Chart:
    """Of each group its name, how many particles it has, and its lowest and highest defocus in Å."""
    columns: dict[str, Sequence[object]] = {
        "group": [f"{name}: {low / 10000:.3f} to {high / 10000:.3f} µm" for name, _, low, high in groups],
        "particles": [count for _, count, _, _ in groups],
    }
    axes = Axis("particles", "particles", is_count=True), Axis("group", DEFOCUS)
    return Chart(f"{len(groups)} defocus groups", "bars", Values(columns), *axes)


def _groups(look: Look, file: str) -> Sequence[Block]:
    table = frame_of(look.root, Rows(file, "particles", (NAME, DEFOCUS)))
    if not table.height or table[NAME].null_count():
        return []
    defocus = pl.col(DEFOCUS).cast(pl.Float64)
    groups = (
        table.group_by(NAME)
        .agg(pl.len(), defocus.min().alias("low"), defocus.max().alias("high"))
        .sort("low")
    )
    return [
        groups_chart([(str(name), int(count), low, high) for name, count, low, high in groups.iter_rows()])
    ]
