"""What a cell ends with shows itself in words and tables, never by its insides."""

import re
from pathlib import Path

import numpy as np

from cryoloom import Project
from cryoloom.images.mrc import write_mrc


def test_a_project_and_the_details_of_a_job_show_themselves_as_tables(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    write_mrc(tmp_path / "raw/m1.mrc", np.random.default_rng(1).normal(size=(32, 32)).astype(np.float32), 1.0)
    (tmp_path / "raw/m2.mrc").write_bytes(b"no image")
    project = Project.create(tmp_path / "p")
    job = project.run(
        "import.micrographs", fn_in_raw=str(tmp_path / "raw/*.mrc"), angpix=1.0, alias="mine"
    ).wait(60)

    listed, shown = project._repr_mimebundle_(), job.show()._repr_mimebundle_()

    assert re.search(rf"{job.name} +mine +import\.micrographs +succeeded +1 micrograph", listed["text/plain"])
    assert "<td>mine</td>" in listed["text/html"]
    assert shown["text/plain"] == str(job.show())
    for told in ("state     succeeded", "angpix", "failed items", "m2.mrc", "micrographs.star"):
        assert told in shown["text/plain"] and told.split()[-1] in shown["text/html"]
