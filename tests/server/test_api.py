"""The API answers what the command line prints, and makes what it would make."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from cryoloom import Project
from cryoloom.api.recent import key_of
from cryoloom.images.mrc import write_mrc
from cryoloom.server.access import Access
from cryoloom.server.app import build
from cryoloom.server.description import description

WEB = Path(__file__).parents[2] / "web"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Project.create(tmp_path / "p")
    volume = np.random.default_rng(1).normal(size=(16, 16, 16)).astype(np.float32)
    write_mrc(made.path / "map.mrc", volume, 3.0, is_volume=True)
    return made


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    app = build(Access.of("test", "t0ken"), project.path)
    headers = {"authorization": "Bearer t0ken"}
    with TestClient(
        app, base_url=f"http://127.0.0.1:7654/api/projects/{key_of(project.path)}/", headers=headers
    ) as one:
        yield one


def test_the_page_s_types_are_made_of_this_description() -> None:
    assert json.loads((WEB / "openapi.json").read_text()) == description(), "run `make page`"


def test_jobs_are_those_that_ls_prints(client: TestClient, project: Project) -> None:
    project.run("import.movies", fn_in_raw="/data/*.tiff", angpix=1, alias="first", start=False)

    [row] = client.get("jobs").json()

    [printed] = [summary.as_dict() for summary in project.summaries()]
    assert {name: row[name] for name in printed} == printed
    assert (row["number"], row["title"], row["alias"]) == (1, "Import movies", "first")


@pytest.mark.relion
def test_a_job_is_made_run_looked_at_and_its_picture_is_the_map_s(
    client: TestClient, project: Project
) -> None:
    asked = {
        "protocol": "relion.image_handler",
        "given": {"fn_in": "map.mrc", "lowpass": "12"},
        "alias": "smooth",
    }
    made = client.post("jobs", json=asked)
    assert made.status_code == 201 and made.json() == {"jobs": ["External/job001"]}
    project.job(1).wait(timeout_s=60)

    job = client.get("jobs/1").json()

    assert (job["state"], job["alias"], job["params"]["lowpass"]) == ("succeeded", "smooth", 12.0)
    assert job["inputs"]["fn_in"]["path"] == "map.mrc"
    assert "--lowpass 12" in job["command"][0]
    assert [view["name"] for view in job["views"]] == ["slices", "projections"]
    [figures, slices] = client.get("jobs/1/views/slices").json()["parts"]
    assert dict(figures["rows"])["pixel size"] == "3 Å"
    address = slices["picture"]
    picture = client.get(f"http://127.0.0.1:7654/api/{address}")
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(picture.content)).width > 3 * 16
    saved = client.get("jobs/1/views/slices/file.png")
    assert saved.headers["content-disposition"] == 'attachment; filename="External_job001_slices.png"'
    assert Image.open(BytesIO(saved.content)).width > 3 * 16
    assert client.get("jobs/1/views/slices/file.svg").status_code == 422, (
        "no picture of pixels is drawn by lines"
    )
    compared = client.get("jobs/1/views/slices", params={"other": 1})
    assert compared.status_code == 422 and "itself" in compared.json()["error"]["text"]
    assert client.get("jobs/1/views/none").status_code == 404
    assert client.get("jobs/2").status_code == 404


def test_trying_says_at_which_field_what_is_wrong_and_makes_nothing(
    client: TestClient, project: Project
) -> None:
    def tried(**given: str) -> dict[str, object]:
        answer: dict[str, object] = client.post(
            "try", json={"protocol": "relion.maskcreate", "given": given}
        ).json()
        return answer

    assert [fault["field"] for fault in tried()["faults"]] == ["fn_in"]  # type: ignore[attr-defined]
    [fault] = tried(fn_in="map.mrc", extend_inimask="2,5")["faults"]  # type: ignore[misc]
    assert fault["field"] == "extend_inimask" and "2,5" in fault["found"]
    good = tried(fn_in="map.mrc", inimask_threshold="0.1", nr_threads="2")
    assert good["faults"] == [] and "helical_z_percentage" in good["off"]  # type: ignore[operator]
    assert "--i map.mrc" in good["command"] and "MaskCreate/job001/" in good["command"]  # type: ignore[operator]
    assert project.jobs() == []
    assert client.post("try", json={"protocol": "relion.none", "given": {}}).status_code == 422


def test_what_fits_an_input_is_offered_the_newest_first(client: TestClient, project: Project) -> None:
    for lowpass in (10, 20):
        project.run("relion.image_handler", fn_in="map.mrc", lowpass=lowpass, start=False)

    offered = [one["word"] for one in client.get("offers/relion.maskcreate/fn_in").json()]

    assert offered == ["External/job002:volume", "External/job001:volume"]
    assert client.get("offers/relion.class2d/fn_img").json() == []
    assert client.get("offers/relion.class2d/nothing").status_code == 422


def test_what_changed_is_told_once(client: TestClient, project: Project) -> None:
    project.run("relion.image_handler", fn_in="map.mrc", lowpass=10, start=False)
    first = client.get("changes").json()
    assert first["jobs"] == ["External/job001"]
    assert client.get("changes", params={"since": first["now"]}).json()["jobs"] == []
    project.job(1).set_alias("other")
    project.run("relion.image_handler", fn_in="map.mrc", lowpass=20, start=False)
    second = client.get("changes", params={"since": first["now"], "wait_s": 5}).json()
    assert second["jobs"] == ["External/job001", "External/job002"]


def test_the_verbs_do_what_the_command_line_s_do(client: TestClient, project: Project) -> None:
    project.run("relion.image_handler", fn_in="map.mrc", lowpass=10, start=False)

    assert client.post("jobs/1/alias", json={"alias": "named"}).json() == {"jobs": ["External/job001"]}
    assert client.post("jobs/1/copy", json={"given": {"lowpass": 15}}).json() == {"jobs": ["External/job002"]}
    assert (project.job(1).alias, project.job(2).params["lowpass"]) == ("named", 15.0)
    refused = client.post("jobs/1/retry", json={})
    assert refused.status_code == 409 and refused.json()["error"]["found"]
    assert client.post("jobs/1/delete", json={}).status_code == 200
    assert [job.name for job in project.jobs()] == ["External/job002"]
    assert client.post("jobs/2/fly", json={}).status_code == 422
