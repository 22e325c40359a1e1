"""Acts on several jobs, what was deleted, notes, files, other ways to ask for a job, the machine; the API to be read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cryoloom import Project
from cryoloom.api.recent import key_of
from cryoloom.server.access import Access
from cryoloom.server.app import build

HERE = "http://127.0.0.1:7654"
BEARER = {"authorization": "Bearer t0ken"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CRYOLOOM_LEDGER_DIR", str(tmp_path / "ledger"))
    return Project.create(tmp_path / "p")


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    with TestClient(build(Access.of("test", "t0ken"), project.path), base_url=HERE) as one:
        yield one


def test_the_api_is_to_be_read_with_all_its_routes_and_asks_nobody_else(client: TestClient) -> None:
    page = client.get("/api/docs", headers=BEARER)

    assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    described = client.get("/api/openapi.json", headers=BEARER).json()
    for path, methods in described["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in page.text
    assert "http://" not in page.text and "https://" not in page.text and "<script" not in page.text
    assert TestClient(client.app, base_url=HERE).get("/api/docs").status_code == 401


def test_a_note_is_written_below_what_relion_and_others_wrote(client: TestClient, project: Project) -> None:
    job = project.make("import.movies", {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}, start=False)
    (job.folder / "note.txt").write_text(" ++++ Executing new job\n")
    key = key_of(project.path)

    text = "<b>good</b> ice\nsecond line"
    said = client.post(f"/api/projects/{key}/jobs/1/note", json={"text": text}, headers=BEARER).json()["text"]

    assert said.startswith(" ++++ Executing new job\n") and said.rstrip().endswith(text)
    assert project.job(1).note() == said
    assert client.get(f"/api/projects/{key}/jobs/1/note", headers=BEARER).json()["text"] == said


def test_a_file_of_a_job_is_given_and_none_beside_it(client: TestClient, project: Project) -> None:
    job = project.make("import.movies", {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}, start=False)
    (job.folder / "out").symlink_to(project.path / "default_pipeline.star")
    (job.folder / "sub").mkdir()
    (job.folder / "sub/x.star").write_text("data_\n")
    where = f"/api/projects/{key_of(project.path)}/jobs/1/file"

    names = {one["name"] for one in client.get(f"{where}s", headers=BEARER).json()["files"]}
    assert {"job.star", "sub/x.star", "out"} <= names
    assert client.get(where, params={"name": "sub/x.star"}, headers=BEARER).text == "data_\n"
    for name in (
        "../../default_pipeline.star",
        "/etc/passwd",
        "out",
        "sub",
        "nothing",
        "a\0b",
        "%2e%2e/x",
        "x" * 900,
    ):
        assert client.get(where, params={"name": name}, headers=BEARER).status_code == 404, name


def test_of_several_jobs_those_that_refuse_say_why_and_the_others_go_on(
    client: TestClient, project: Project
) -> None:
    given = {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}
    for _ in range(3):
        project.make("import.movies", given, start=False)
    acts = f"/api/projects/{key_of(project.path)}/acts"

    done = client.post(f"{acts}/retry", json={"numbers": [1, 2]}, headers=BEARER).json()
    assert done["jobs"] == [] and [one["job"] for one in done["refused"]] == [
        "Import/job001",
        "Import/job002",
    ]
    assert all(one["problem"]["text"] for one in done["refused"])
    gone = client.post(f"{acts}/delete", json={"numbers": [1, 3]}, headers=BEARER).json()
    assert gone["jobs"] == ["Import/job001", "Import/job003"]
    lying = client.get(f"/api/projects/{key_of(project.path)}/deleted", headers=BEARER).json()
    assert [one["job"] for one in lying] == ["Import/job001", "Import/job003"]
    back = client.post(
        f"/api/projects/{key_of(project.path)}/undelete", json={"jobs": ["Import/job003"]}, headers=BEARER
    )
    assert back.json()["jobs"] == ["Import/job003"]
    assert [job.name for job in project.jobs()] == ["Import/job002", "Import/job003"]
    assert client.post(f"{acts}/delete", json={"numbers": [77]}, headers=BEARER).status_code == 404


def test_a_form_is_told_as_a_script_a_line_and_a_step_that_make_the_same_job(
    client: TestClient, project: Project
) -> None:
    given = {"fn_in_raw": "raw/*.mrc", "angpix": "1.5", "stream": "Yes"}
    asked = {"protocol": "import.movies", "given": given, "alias": "mine"}
    told = client.post(f"/api/projects/{key_of(project.path)}/recipe", json=asked, headers=BEARER).json()

    assert (
        "angpix=1.5" in told["python"]
        and "stream=True" in told["python"]
        and "alias='mine'" in told["python"]
    )
    assert (
        told["shell"] == "cryoloom run import.movies 'fn_in_raw=raw/*.mrc' angpix=1.5 stream=Yes --alias mine"
    )
    assert json.loads(told["workflow"]) == {
        "name": "mine", "protocol": "import.movies",
        "params": {"fn_in_raw": "raw/*.mrc", "angpix": 1.5, "stream": True},
    }  # fmt: skip


def test_the_machine_says_what_it_has_and_where_projects_lie(client: TestClient, project: Project) -> None:
    now = client.get("/api/machine", headers=BEARER).json()

    assert now["cores"] >= 1 and now["cores_taken"] == 0 and now["running"] == []
    assert now["disks"] and now["disks"][0]["total_gb"] > now["disks"][0]["free_gb"] > 0
