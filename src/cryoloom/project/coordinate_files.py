"""Names of per-micrograph coordinate files, by RELION's rule."""

from pathlib import Path

TABLE = "coordinates.star"


def coordinate_file(micrograph: str, suffix: str) -> str:
    """Where RELION puts a micrograph's picks, below the picking job.

    `MotionCorr/job002/Movies/a.mrc` → `Movies/a_autopick.star`: the job of the micrograph is cut
    off, the rest is kept.
    """
    parts = Path(micrograph).parts
    if len(parts) > 2 and parts[1].startswith("job"):
        parts = parts[2:]
    return str(Path(*parts).with_suffix("")) + f"{suffix}.star"


def suffix_of(suffix_file: str | Path) -> str:
    """`AutoPick/job004/coords_suffix_autopick.star` → `_autopick`."""
    return Path(suffix_file).name.removeprefix("coords_suffix").removesuffix(".star")


def own_table(suffix_file: str | Path) -> str:
    """Name of the table (micrograph, file, count) of a job that gives several sets of coordinates."""
    return f"coordinates{suffix_of(suffix_file)}.star"


def table_beside(suffix_file: Path) -> str:
    """Name of the table that lies beside RELION's suffix file; the file itself where there is none."""
    for name in (own_table(suffix_file), TABLE):
        if suffix_file.with_name(name).exists():
            return name
    return suffix_file.name
