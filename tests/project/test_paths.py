"""What a table calls a file stays inside the project, or below the job that writes it."""

from pathlib import Path

import polars as pl
import pytest
from running import run_in

from cryoloom import star
from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import ProjectError
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.paths import inside


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a/../../p2/x"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError, match="leads out of the project"):
        inside(tmp_path / "p", name)


def test_a_link_of_the_project_may_lead_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p/link").symlink_to(tmp_path)

    assert inside(tmp_path / "p", "a/../link") == tmp_path / "p/link"


def test_the_files_of_a_micrograph_with_an_absolute_name_lie_below_the_job() -> None:
    assert file_of_micrograph("/data/a.mrc", "_pick.star") == "data/a_pick.star"


def test_picks_of_a_micrograph_whose_name_leads_out_are_not_written_there(tmp_path: Path) -> None:
    project = ProjectFolder.create(tmp_path / "p", seed=1)
    names = ["../../../outside.mrc", "m.mrc"]
    table = pl.DataFrame({"rlnMicrographName": names, "rlnOpticsGroup": [1, 1]})
    optics = pl.DataFrame(
        {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnMicrographPixelSize": [1.0]}
    )
    star.write(project.root / "mics.star", {"optics": optics, "micrographs": table})
    for stem in ("outside", "m"):
        (tmp_path / f"{stem}.star").write_text("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n5 5\n")

    job = run_in(project, "import.coordinates", star_mics="mics.star", fn_in_other=f"{tmp_path}/*.star")

    [written] = tmp_path.rglob("m_pick.star")
    assert written.is_relative_to(job.entry.folder)
    assert not [*tmp_path.rglob("outside_pick.star")]
    [(name, why)] = job.history.failed.values()
    assert name == names[0] and "leads out of the project" in why
