"""RELION's own GUI opens a project that Cryoloom made: all jobs, their parameters and commands; a job run there is here."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from desktop import NEEDED, Desktop, Gui, desktop
from PIL import Image
from relion_lines import difference, lines_of

from cryoloom import Project, star
from cryoloom.api.relion_command import commands_of
from cryoloom.images.mrc import read_mrc

pytestmark = [
    pytest.mark.relion,
    pytest.mark.slow,
    pytest.mark.skipif(
        any(shutil.which(program) is None for program in NEEDED),
        reason=f"RELION's GUI and a screen without a display: {', '.join(NEEDED)}",
    ),
]
RELION_S = {"MotionCorr": "motioncorr", "AutoPick": "autopick", "Extract": "extract", "Class2D": "class2d",
            "InitialModel": "inimodel", "Refine3D": "refine3d", "MaskCreate": "maskcreate",
            "PostProcess": "postprocess"}  # fmt: skip


@pytest.fixture(scope="module")
def opened(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the finished project, which RELION may write into."""
    folder = tmp_path_factory.mktemp("g") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    return Project(folder)


@pytest.fixture(scope="module")
def screen() -> Iterator[Desktop]:
    with desktop() as made:
        yield made


@pytest.fixture(scope="module")
def gui(screen: Desktop, opened: Project) -> Gui:
    return Gui(screen, opened.path)


MENU = (5, 210)
EDGE, PITCH = 2, 68  # from image to image of 64 px in relion_display's gallery


def shown(screen: Desktop, window: str, name: str) -> np.ndarray:
    """The pixels of a window of relion_display."""
    time.sleep(1)
    kept(screen.picture(), name)
    return screen.pixels(window)


def number_of(name: str) -> int:
    return int(name[-3:])


def echoes(lines: str) -> list[str]:
    return [line.strip() for line in lines.splitlines() if line.startswith("echo ")]


def kept(picture: Image.Image, name: str) -> None:
    """For whoever wants to see what was seen."""
    folder = Path(__file__).parent / "out"
    folder.mkdir(exist_ok=True)
    picture.save(folder / f"gui_{name}.png")


def test_check_command_of_each_job_says_what_we_say(gui: Gui, opened: Project) -> None:
    newest_first = sorted(opened.summaries(), key=lambda one: number_of(one.name), reverse=True)
    seen = set()
    for row, summary in enumerate(newest_first):
        kind = RELION_S.get(summary.name.split("/")[0])
        if kind is None or not summary.protocol.startswith("relion.") or kind in seen:
            continue
        gui.open_finished(row, len(newest_first))
        gui.new_of(kind)
        kept(gui.screen.picture(), kind)

        theirs = gui.checked_command().replace(" && ", "\n")

        next_name = f"{summary.name.split('/')[0]}/job{number_of(newest_first[0].name) + 1:03d}/"
        ours = "\n".join(commands_of(opened.path / summary.name / "job.star"))
        ours = ours.replace(f"{summary.name}/", next_name)
        assert next_name in theirs, (summary.name, theirs)
        assert not difference(lines_of(ours), lines_of(theirs)), (summary.name, ours, theirs)
        assert echoes(ours) == echoes(theirs), summary.name
        seen.add(kind)
    assert seen == set(RELION_S.values())


def test_a_job_that_is_run_there_is_a_job_here(gui: Gui, opened: Project) -> None:
    before = {summary.name for summary in opened.summaries()}
    newest_first = sorted(before, key=number_of, reverse=True)
    [made_here] = [name for name in before if name.startswith("MaskCreate/")]
    gui.open_finished(newest_first.index(made_here), len(newest_first))
    gui.new_of("maskcreate")

    gui.run()

    made = opened.path / "MaskCreate" / f"job{number_of(newest_first[0]) + 1:03d}"
    end = time.monotonic() + 60
    while not (made / "RELION_JOB_EXIT_SUCCESS").exists():
        assert time.monotonic() < end, f"{made.name} has not ended"
        time.sleep(0.2)
    kept(gui.screen.picture(), "run")
    [new] = [summary for summary in opened.summaries() if summary.name not in before]
    assert (new.name, new.protocol, new.state) == (
        f"MaskCreate/{made.name}",
        "relion.maskcreate",
        "succeeded",
    )
    theirs, ours = (read_mrc(opened.path / name / "mask.mrc") for name in (new.name, made_here))
    np.testing.assert_array_equal(theirs, ours)
    following = opened.run("relion.postprocess", fn_in="Refine3D/job017", fn_mask=new.name, start=False)
    assert f"--mask {new.name}/mask.mrc" in commands_of(opened.path / following.name / "job.star")[0]


def test_relion_shows_our_picks_where_they_are(screen: Desktop, opened: Project) -> None:
    micrograph = "MotionCorr/job003/Movies/job002/single_0001.mrc"
    file = "AutoPick/job006/Movies/job002/single_0001_autopick.star"
    [picks] = star.tables_of(star.read(opened.path / file)).values()
    at, radius = picks.select("rlnCoordinateX", "rlnCoordinateY").to_numpy(), 20
    words = [
        "relion_display",
        "--pick",
        "--i",
        micrograph,
        "--coords",
        file,
        "--particle_radius",
        str(radius),
    ]

    window = screen.start(
        *words, "--lowpass", "20", "--angpix", "3", folder=opened.path, window="single_0001"
    )
    time.sleep(0.5)
    screen.click(window, MENU, button=3)  # circles are drawn with its menu
    red, green, blue = np.moveaxis(shown(screen, window, "picks").astype(int), 2, 0)

    y, x = np.nonzero((green > red + 60) & (green > blue + 60))  # the circles' colour, over grey
    off = np.abs(np.hypot(x[:, None] - at[:, 0], y[:, None] - at[:, 1]) - radius)
    assert off.min(axis=1).max() < 3, "every green pixel lies on a circle around a pick"
    hidden = (at[:, 0] < MENU[0] + 290 + radius) & (np.abs(at[:, 1] - MENU[1] - 75) < 80 + radius)
    assert (off < 3).sum(axis=0)[~hidden].min() > 40, "and every pick has its circle"
    assert hidden.sum() < len(at) / 2


def test_relion_shows_our_particles_in_their_order(screen: Desktop, opened: Project) -> None:
    file = "Extract/job016/particles.star"
    window = screen.start(
        "relion_display", "--i", file, "--scale", "1", "--sigma_contrast", "3", "--max_nr_images", "10",
        folder=opened.path, window="particles.star",
    )  # fmt: skip
    grey = shown(screen, window, "particles")[..., 0].astype(float)

    images = []
    for name in star.tables_of(star.read(opened.path / file))["particles"]["rlnImageName"][:10]:
        number, stack = name.split("@")
        images.append(read_mrc(opened.path / stack)[int(number) - 1])
    for place in range(10):
        row, column = divmod(place, 5)
        y, x = (EDGE + PITCH * step for step in (row, column))
        likeness = [np.corrcoef(grey[y : y + 64, x : x + 64].ravel(), one.ravel())[0, 1] for one in images]
        assert int(np.argmax(likeness)) == place and sorted(likeness)[-2] < 0.5 < 0.7 < max(likeness), (
            place,
            likeness,
        )
