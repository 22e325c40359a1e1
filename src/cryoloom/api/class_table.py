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
    """The classes, each with `cryoloomCount` particles where the file beside the model says so.

    Raises:
        ProjectError: a file without classes.
    """
    table = star.tables_of(star.read(dataset.file)).get("model_classes")
    if table is None:
        raise ProjectError(f"{dataset.path}", found="without classes", expected="a table data_model_classes")
    numbers = pl.Series(CLASS, range(1, table.height + 1), dtype=pl.Int64)
    table = table.drop(CLASS, strict=False).with_columns(numbers, numbers.cast(pl.String).alias(ITEM_ID))
    members = _members(dataset)
    if members is not None:
        found = members.value_counts().rename({"count": COUNT})
        table = table.join(found, on=CLASS, how="left", maintain_order="left")
        table = table.with_columns(pl.col(COUNT).fill_null(0))
    return _known(table.select(CLASS, *(name for name in table.columns if name != CLASS)))


def particles_of(dataset: "Dataset") -> int | None:
    """How many particles a classification has; None where nobody knows.

    More than its classes have together, where it did not treat all of them: those bear the class of an earlier job.
    """
    members = _members(dataset)
    return None if members is None else len(members)


def members_file(dataset: "Dataset") -> Path:
    """The particles beside a model, with the class of each."""
    return dataset.file.with_name(dataset.file.name.replace("_model.star", "_data.star"))


def _members(dataset: "Dataset") -> pl.Series | None:
    """The class of each particle."""
    data = members_file(dataset)
    if not data.exists():
        return None
    particles = star.as_table(star.read(data, ["particles"], [CLASS], optional=True).get("particles"))
    if particles is None or CLASS not in particles.columns:
        return None
    return particles[CLASS].cast(pl.Int64, strict=False)


def _known(classes: pl.DataFrame) -> pl.DataFrame:
    """The classes with null where RELION writes 999 for what it could not estimate."""
    named = (RESOLUTION, "rlnAccuracyRotations", "rlnAccuracyTranslationsAngst")
    estimated = [name for name in named if name in classes.columns]
    return classes.with_columns(
        pl.when(pl.col(name).cast(pl.Float64, strict=False) < UNKNOWN).then(pl.col(name))
        for name in estimated
    )
