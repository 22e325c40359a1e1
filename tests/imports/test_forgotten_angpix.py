"""A pixel size that nobody gave is not RELION's default where the files say another."""

from pathlib import Path

import numpy as np
import pytest

from cryoloom import Project
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name, angpix in (("a", 3.0), ("b", 3.0)):
        write_mrc(tmp_path / f"{name}.mrc", np.eye(16, dtype=np.float32), angpix)
    return Project.create(tmp_path / "p")


def test_it_is_asked_for_with_the_header_s(project: Project, tmp_path: Path) -> None:
    with pytest.raises(
        ParameterError, match=r"angpix is not given, and the header of .*a\.mrc says 3 Å/px.*angpix=3"
    ):
        project.run("import.micrographs", fn_in_raw=str(tmp_path / "*.mrc"))

    assert project.jobs() == []


@pytest.mark.parametrize("given", [{"angpix": 3.0}, {"angpix": 1.4}, {"angpix": 1.0}])
def test_what_is_given_counts_and_stays_in_a_copy(
    project: Project, tmp_path: Path, given: dict[str, float]
) -> None:
    job = project.run("import.micrographs", fn_in_raw=str(tmp_path / "a.mrc"), start=False, **given)

    assert job.params["angpix"] == given["angpix"]
    if given["angpix"] != 1.4:
        [again] = project.copy(job, fn_in_raw=str(tmp_path / "b.mrc"))
        assert again.params["angpix"] == given["angpix"]


@pytest.mark.parametrize("angpix", [0.0, 1.0, 1.4, 1.403])
def test_a_header_that_says_nothing_or_the_same_asks_nothing(tmp_path: Path, angpix: float) -> None:
    write_mrc(tmp_path / "x.mrc", np.eye(16, dtype=np.float32), angpix)
    (tmp_path / "none.mrc").write_bytes(b"no image")

    for pattern in ("x.mrc", "none.mrc", "nothing_yet_*.mrc"):
        job = Project.create(tmp_path / "p").run(
            "import.micrographs", fn_in_raw=str(tmp_path / pattern), start=False
        )
        assert job.params["angpix"] == 1.4
