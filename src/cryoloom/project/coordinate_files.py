"""Names of per-micrograph coordinate files, by RELION's rule."""

from pathlib import Path


def coordinate_file(micrograph: str, suffix: str) -> str:
    """Where RELION puts a micrograph's picks, below the picking job.

    `MotionCorr/job002/Movies/a.mrc` → `Movies/a_autopick.star`: the job of the micrograph is cut
    off, the rest is kept.
    """
    parts = Path(micrograph).parts
    if len(parts) > 2 and parts[1].startswith("job"):
        parts = parts[2:]
    return str(Path(*parts).with_suffix("")) + f"{suffix}.star"
