"""What a table calls a file stays inside the project, or below the job that writes it."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from running import run_in

from cryoloom import star
from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.paths import inside, straight
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol


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


def test_a_link_is_followed_before_it_is_left(tmp_path: Path) -> None:
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/away")

    assert straight(tmp_path / "link/../x") == tmp_path / "far/x"
    assert straight(tmp_path / "far/../link/x") == tmp_path / "link/x"


@pytest.mark.parametrize(
    "name", ["maps/../ref.mrc", "../p/ref.mrc", "./ref.mrc", "{root}/maps/../ref.mrc", "../q/ref.mrc"]
)
def test_a_file_of_the_project_has_one_name_however_it_is_given(project: ProjectFolder, name: str) -> None:
    (project.root / "maps").mkdir()
    (project.root.parent / "q").symlink_to("p")  # the project by another way
    write_mrc(project.root / "ref.mrc", np.ones((4, 4, 4), np.float32), 1.0, is_volume=True)
    spec = find_protocol("relion.maskcreate").inputs["fn_in"]

    assert resolve_input(project, spec, name.format(root=project.root), "relion.maskcreate").path == "ref.mrc"


def test_a_file_outside_is_no_input_also_by_a_relative_name(project: ProjectFolder) -> None:
    write_mrc(project.root.parent / "ref.mrc", np.ones((4, 4, 4), np.float32), 1.0, is_volume=True)
    spec = find_protocol("relion.maskcreate").inputs["fn_in"]

    with pytest.raises(ParameterError, match=r"\.\./ref.mrc, a file outside the project.*import"):
        resolve_input(project, spec, "../ref.mrc", "relion.maskcreate")


def test_files_of_parameters_and_patterns_are_kept_by_their_own_names(project: ProjectFolder) -> None:
    raw = project.root.parent / "raw"
    (project.root / "own").mkdir()
    for file in (raw / "a.mrc", raw / "b.mrc"):
        file.parent.mkdir(exist_ok=True)
        write_mrc(file, np.ones((3, 8, 8), np.int16), 1.0)
    (raw / "b.mrc").write_bytes((raw / "b.mrc").read_bytes()[:-10])
    write_mrc(raw / "gain.mrc", np.full((8, 8), 1.5, np.float32), 1.0)
    (project.root / "defects.txt").write_text("1 1 2 2\n")

    given = {"fn_gain_ref": "../raw/gain.mrc", "fn_defect": "own/../defects.txt", "fn_in_raw": "../raw/?.mrc"}
    ran = run_in(project, "import.movies", angpix=1.0, **given)

    assert ran.entry.spec is not None
    assert ran.entry.spec.params["fn_gain_ref"] == str(raw / "gain.mrc")
    assert ran.entry.spec.params["fn_defect"] == "defects.txt"
    assert [name for name, _ in ran.history.failed.values()] == [str(raw / "b.mrc")]
