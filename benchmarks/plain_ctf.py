"""The same CTF estimation as the job's, without the job: a line of `demo.py`'s script.

Usage: plain_ctf.py JOB, in a project whose JOB is one of ctf.estimate; its table is written into the job's folder.
"""

import sys
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.plugins.ctf.estimate import CtfEstimate
from cryoloom.project.jobspec import read_spec
from cryoloom.protocol.jobs import ITEM_ID, Batch, JobFolder


def main(name: str) -> None:
    root = Path.cwd()
    spec = read_spec(root / name)
    protocol = CtfEstimate(spec.params, spec.inputs)
    blocks = star.read(root / spec.inputs["input_star_mics"].path)
    micrographs, optics = blocks["micrographs"], blocks["optics"]
    assert isinstance(micrographs, pl.DataFrame)
    assert isinstance(optics, pl.DataFrame)
    if ITEM_ID not in micrographs.columns:
        # RELION drops extra columns of micrographs; the job would join them by name.
        micrographs = micrographs.with_columns(pl.col("rlnMicrographName").alias(ITEM_ID))
    job = JobFolder(f"{name}/", root, spec.id)
    result = protocol.process(job, Batch(1, micrographs, optics, job, "", {}, {}))
    star.write(
        root / name / "micrographs_ctf.star", {"optics": optics, "micrographs": result.rows["micrographs"]}
    )


if __name__ == "__main__":
    main(sys.argv[1])
