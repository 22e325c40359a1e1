"""The classes of a classification as a table: their numbers, by which they are known, and how many particles each has."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from cryoloom import star
from cryoloom.errors import ProjectError
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    from cryoloom.api.dataset import Dataset

CLASS, COUNT = "rlnClassNumber", "cryoloomCount"
SHARE, RESOLUTION = "rlnClassDistribution", "rlnEstimatedResolution"
UNKNOWN = 900.0  # from here on a value is none: RELION writes 999


def classes_of(dataset: "Dataset") -> pl.DataFrame:
    """The classes of a classification with their numbers, by which they are known, and how many particles each has."""
    model = star.tables_of(star.read(dataset.file))
    table = model.get("model_classes")
    if table is None:
        raise ProjectError(f"{dataset.path}", found="without classes", expected="a table data_model_classes")
    numbers = pl.Series(CLASS, range(1, table.height + 1), dtype=pl.Int64)
    table = table.drop(CLASS, strict=False).with_columns(numbers, numbers.cast(pl.String).alias(ITEM_ID))
    data = Path(str(dataset.file).replace("_model.star", "_data.star"))
    if data.exists():
        particles = star.as_table(star.read(data, ["particles"], [CLASS], optional=True).get("particles"))
        if particles is not None and CLASS in particles.columns:
            found = particles[CLASS].cast(pl.Int64, strict=False).value_counts().rename({"count": COUNT})
            table = table.join(found, on=CLASS, how="left", maintain_order="left").with_columns(
                pl.col(COUNT).fill_null(0)
            )
    return _known(table.select(CLASS, *(name for name in table.columns if name != CLASS)))


def _known(classes: pl.DataFrame) -> pl.DataFrame:
    """The classes with null where RELION writes 999 for what it could not estimate."""
    named = (RESOLUTION, "rlnAccuracyRotations", "rlnAccuracyTranslationsAngst")
    estimated = [name for name in named if name in classes.columns]
    return classes.with_columns(
        pl.when(pl.col(name).cast(pl.Float64, strict=False) < UNKNOWN).then(pl.col(name))
        for name in estimated
    )
