"""The paper's own workflow: what it says of a parameter is quoted as it stands, all else is marked ours."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from cryoloom.api.workflows import check_for_new_project

EXAMPLES = Path(__file__).parents[2] / "examples"
DATA = Path(os.environ.get("CRYOLOOM_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
PAPER = DATA.parent / "reference/paper_sharov_2021.txt"
FILES = ("urease.json", "urease_streamed.json")
QUOTE = re.compile(r'"([^"]+)"')
# These the machine or the acquisition says, or a person at the screen.
OPEN = {"movies_single", "movies_multi", "gain", "groups", "dose_per_frame"}


def content(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / file).read_text())
    return found


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


@pytest.mark.parametrize("file", FILES)
def test_what_is_quoted_stands_in_the_paper(file: str) -> None:
    if not PAPER.exists():
        pytest.skip(f"the paper is not there: {PAPER}")
    paper = plain(PAPER.read_text())
    workflow = content(file)
    said = [job.get("comment", "") for job in workflow["jobs"]]
    said += [spec.get("help", "") for spec in workflow["placeholders"].values()]
    quotes = [quote for text in said for quote in QUOTE.findall(text)]

    assert len(quotes) > 30
    for quote in quotes:
        assert plain(quote) in paper, quote


@pytest.mark.parametrize("file", FILES)
def test_every_step_says_where_it_comes_from_and_every_value_is_a_placeholder_or_told(file: str) -> None:
    workflow = content(file)

    for job in workflow["jobs"]:
        assert job.get("comment"), job["name"]
    for name, spec in workflow["placeholders"].items():
        assert spec.get("help"), name
    assert {name for name, spec in workflow["placeholders"].items() if "default" not in spec} == OPEN


@pytest.mark.parametrize("file", FILES)
def test_it_is_asked_only_for_paths_and_acquisition(file: str) -> None:
    found = check_for_new_project(EXAMPLES / file, {})

    assert found.faults == ()
    assert len(found.jobs) == len(content(file)["jobs"])
    assert {one.name for one in found.to_be_given} == OPEN


def test_the_streamed_one_has_the_same_particles_up_to_the_join() -> None:
    first, streamed = ({job["name"]: job for job in content(file)["jobs"]} for file in FILES)

    until_join = [*first][: [*first].index("particles_both_b8") + 1]
    for name in until_join:
        mine, theirs = first[name], streamed[name]
        assert mine["protocol"] == theirs["protocol"]
        differ = {
            key
            for key in {*mine.get("params", {}), *theirs.get("params", {})}
            if mine.get("params", {}).get(key) != theirs.get("params", {}).get(key)
        }
        assert differ <= ({"stream", "timeout"} if name == "movies_multi" else set()), name
    for kind in ("single", "multi"):  # each movie has its group from the beginning
        assert streamed[f"motion_{kind}"]["inputs"] == {"input_star_mics": f"groups_{kind}:kept"}
        assert streamed[f"groups_{kind}"]["inputs"] == {"input": f"movies_{kind}"}
    refined = [name for name in streamed if name.startswith("refine_ctf_")]
    assert refined == ["refine_ctf_magnification", "refine_ctf_defocus", "refine_ctf_aberrations"]


def test_binnings_go_down_and_references_are_rescaled_to_the_pixels_of_the_particles() -> None:
    workflow = content("urease.json")
    jobs = {job["name"]: job for job in workflow["jobs"]}
    value = {f"${{{name}}}": spec.get("default") for name, spec in workflow["placeholders"].items()}
    movie, box = value["${angpix}"], value["${box}"]

    for binning, name in ((4, "b4"), (2, "b2"), (1, "b1")):
        particles, reference = jobs[f"particles_{name}"]["params"], jobs[f"reference_{name}"]["params"]
        size = value.get(particles.get("rescale", "${box}"))
        assert size * binning == box
        assert value[reference["new_box"]] == size
        assert value[reference["rescale_angpix"]] == pytest.approx(movie * binning)
    assert movie * box / value[jobs["particles_log"]["params"]["rescale"]] == pytest.approx(5.11, abs=0.01)
