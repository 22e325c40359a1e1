"""Wizards: what they say is measured on maps and particles of which the truth is known; every one finds its inputs."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cryoloom import Project
from cryoloom.api.suggesting import symmetry_of
from cryoloom.api.wizards.advised import Advised
from cryoloom.api.wizards.advising import advise
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.registry import all_protocols
from cryoloom.protocol.wizards import GainOrientation, OwnWizard
from cryoloom.views.drawn import DrawnPicture

ANGPIX = 2.0


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p")


@pytest.fixture
def ball(project: Project) -> Path:
    """A map of a ball of density 1 with a radius of 20 px."""
    z, y, x = np.indices((64, 64, 64)) - 32
    write_mrc(
        project.path / "ball.mrc",
        (np.sqrt(x**2 + y**2 + z**2) <= 20).astype(np.float32),
        ANGPIX,
        is_volume=True,
    )
    return project.path / "ball.mrc"


def picture_of(advised: Advised) -> np.ndarray[Any, Any]:
    (part,) = advised.parts
    assert isinstance(part, DrawnPicture)
    return np.asarray(Image.open(io.BytesIO(part.png)).convert("RGB")).astype(int)


def test_every_wizard_names_inputs_and_parameters_that_its_protocol_has() -> None:
    count = 0
    for kind in all_protocols():
        for spec in kind.params.values():
            wizard = spec.wizard
            if wizard is None:
                continue
            count += 1
            assert isinstance(wizard, OwnWizard) or wizard.of in kind.inputs, (kind.name, spec.name)
            if isinstance(wizard, GainOrientation):
                assert wizard.gain in kind.params
    assert count > 10


def test_a_mask_s_edge_is_drawn_where_the_mask_would_end(project: Project, ball: Path) -> None:
    given = {"fn_in": "ball.mrc", "lowpass_filter": "-1", "inimask_threshold": "0.5", "extend_inimask": "4"}
    advised = advise(project, "relion.maskcreate", "inimask_threshold", {**given, "width_mask_edge": "3"})

    pixels = picture_of(advised)
    tile = pixels[:, :220]
    amber = np.argwhere((tile == (240, 165, 0)).all(axis=-1))
    blue = np.argwhere((tile == (90, 170, 255)).all(axis=-1))
    middle = np.array([220 - 1 - 32.5 / 64 * 220, 32.5 / 64 * 220])
    # 20 px of the ball and 4 beyond it; the soft edge ends 3 px further on.
    assert np.linalg.norm(amber - middle, axis=1) * 64 / 220 == pytest.approx(24, abs=1.2)
    assert np.linalg.norm(blue - middle, axis=1) * 64 / 220 == pytest.approx(27, abs=1.2)
    count = int((np.sqrt(((np.indices((64, 64, 64)) - 32) ** 2).sum(axis=0)) <= 20).sum())
    assert f"encloses {count * ANGPIX**3:.0f} Å³" in advised.said
    assert advised.now["inimask_threshold"] == 0.5


def test_the_threshold_that_is_proposed_is_the_one_that_the_job_finds(project: Project, ball: Path) -> None:
    advised = advise(project, "relion.maskcreate", "inimask_threshold", {"fn_in": "ball.mrc"})

    assert [dict(one.values) for one in advised.proposals] == [{"inimask_threshold": "0.25"}]


def test_what_the_filter_leaves_is_told(project: Project, ball: Path) -> None:
    fine = advise(
        project, "relion.maskcreate", "lowpass_filter", {"fn_in": "ball.mrc", "lowpass_filter": "5"}
    )
    coarse = advise(
        project, "relion.maskcreate", "lowpass_filter", {"fn_in": "ball.mrc", "lowpass_filter": "60"}
    )

    def left(advised: Advised) -> int:
        return int(advised.said.split(" %")[0].rpartition(" ")[2])

    assert left(fine) > 95 > left(coarse)


def test_what_is_looked_at_and_not_given_yet_is_named(project: Project) -> None:
    with pytest.raises(ParameterError, match=r"input fn_in is missing, expected Input 3D map"):
        advise(project, "relion.maskcreate", "inimask_threshold", {})
    with pytest.raises(
        ParameterError, match=r"angpix is without a wizard, expected one of lowpass_filter, inimask_thr"
    ):
        advise(project, "relion.maskcreate", "angpix", {})


def test_a_field_that_is_wrong_does_not_keep_the_wizard_of_another_from_looking(
    project: Project, ball: Path
) -> None:
    given = {"fn_in": "ball.mrc", "inimask_threshold": "0.5", "extend_inimask": "many"}
    advised = advise(project, "relion.maskcreate", "inimask_threshold", given)

    assert "Amber: where the mask is whole, 3 px" in advised.said


@pytest.mark.relion
@pytest.mark.slow
def test_the_circle_the_boxes_and_the_picks_of_a_real_project(tiny: Project) -> None:
    circle = advise(
        tiny, "relion.class2d", "particle_diameter", {"fn_img": "Extract/job007", "particle_diameter": "150"}
    )
    assert "box 192 Å, picked for 130 Å" in circle.said
    tile = picture_of(circle)[:, :130]
    amber = np.argwhere((tile == (240, 165, 0)).all(axis=-1))
    middle = np.array([130 - 1 - 12.5 / 24 * 130, 12.5 / 24 * 130])
    assert np.linalg.norm(amber - middle, axis=1).mean() * 192 / 130 == pytest.approx(75, abs=2.5)

    boxes = advise(
        tiny,
        "relion.extract",
        "extract_size",
        {"star_mics": "CtfFind/job004", "coords_suffix": "AutoPick/job006"},
    )
    assert "on MotionCorr/job003/Movies/job002/" in boxes.said
    assert boxes.proposals[0].values["extract_size"] == "72"
    names = tiny.job(4).dataset("micrographs").table(["rlnMicrographName"])["rlnMicrographName"].to_list()
    given = {"star_mics": "CtfFind/job004", "coords_suffix": "AutoPick/job006"}
    for item, name in (("2", names[1]), ("multi_0003", next(one for one in names if "multi_0003" in one))):
        # A number is no part of a folder's name: `2` stands in job002, and with it in all of them.
        assert advise(tiny, "relion.extract", "extract_size", given, item=item).item == name
    with pytest.raises(ParameterError, match="unknown"):
        advise(tiny, "relion.extract", "extract_size", given, item="multi_00")

    values = {
        "fn_input_autopick": "CtfFind/job004",
        "do_log": "Yes",
        "log_diam_min": "120",
        "log_diam_max": "160",
    }
    low = advise(
        tiny, "relion.autopick", "log_adjust_thr", {**values, "log_adjust_thr": "-1"}, item="single_0001"
    )
    high = advise(
        tiny, "relion.autopick", "log_adjust_thr", {**values, "log_adjust_thr": "3"}, item="single_0001"
    )
    assert int(low.said.split()[0]) > int(high.said.split()[0])


def test_symmetry_that_a_job_before_imposed_is_said_of_what_was_made_of_its_map(tiny: Project) -> None:
    """Post-processing asks for none; the map has T because the refinement had."""
    for made_of in ("job017:volume", "job018:final_map"):
        said = advise(tiny, "relion.refine3d", "sym_name", {"fn_ref": made_of}).said

        assert "T was imposed by Refine3D/job017" in said
    assert symmetry_of(tiny, "job018").imposed == "T"
