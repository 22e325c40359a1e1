"""A read-only link looks at one session until it ends, and does nothing: not by any route that there is."""

import itertools
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from server.test_access import HERE, routes
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from cryoloom import Project
from cryoloom.api import links
from cryoloom.api.recent import key_of, remember_project
from cryoloom.server.access import Access
from cryoloom.server.app import build
from cryoloom.server.without_paths import without_paths

TOMORROW = date.today() + timedelta(days=1)
OWNER = {"authorization": "Bearer t0ken"}
SHOWN = {"", "/quality", "/micrograph.png", "/classes.jpg", "/map.png"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Project.create(tmp_path / "p")


@pytest.fixture
def app(project: Project) -> Any:
    return build(Access.of("test", "t0ken"), project.path)


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url=HERE) as one:
        yield one


def bearer(project: Project, until: date = TOMORROW) -> dict[str, str]:
    return {"authorization": f"Bearer {links.make_link(project, until).token}"}


def test_of_all_routes_a_link_is_answered_by_those_of_its_session_alone(
    app: Any, client: TestClient, project: Project
) -> None:
    headers, key = bearer(project), key_of(project.path)
    asked = [(method, path.replace("0" * 12, key)) for method, path in routes(app)]
    session = f"/api/projects/{key}/session"
    shown = {("GET", f"{session}{name}") for name in SHOWN} | {("GET", "/api/session")}
    assert shown <= {*asked}
    # Signing in and out are for everybody.
    for method, path in {*asked, ("GET", "/api/openapi.json")} - {
        ("POST", "/api/session"),
        ("DELETE", "/api/session"),
    }:
        said = client.request(method, path, headers=headers, json={})
        if (method, path) in shown:
            assert said.status_code not in (401, 403), path
        else:
            assert said.status_code == 403, (method, path, said.status_code)
            assert said.json()["error"]["found"] == "a read-only link"
    for path in [path for _, path in shown]:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            if (method, path) != ("POST", "/api/session") and (method, path) != ("DELETE", "/api/session"):
                assert client.request(method, path, headers=headers).status_code in (403, 405), (method, path)


def test_a_link_ends_with_its_day_and_when_it_is_withdrawn(
    client: TestClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/projects/{key_of(project.path)}/session"
    headers = bearer(project, date.today())
    assert client.get("/api/session", headers=headers).status_code == 200
    now = links.time.time()
    monkeypatch.setattr(links.time, "time", lambda: now + 86_400)
    assert client.get(path, headers=headers).status_code == 401
    assert client.get("/api/session", headers=headers).status_code == 401
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.path.parent / "cache"))

    made = client.post(f"{path}/links", json={"until": str(TOMORROW), "note": "Ada"}, headers=OWNER).json()
    given = {"authorization": f"Bearer {made['token']}"}
    known = client.get(f"{path}/links", headers=OWNER).json()
    assert [one["note"] for one in known] == ["Ada", ""] and "token" not in json.dumps(known)
    assert client.get("/api/session", headers=given).json()["link"]["project"] == key_of(project.path)
    assert client.delete(f"{path}/links/{made['link']['id']}", headers=OWNER).status_code == 204
    assert client.get("/api/session", headers=given).status_code == 401
    for until in (date.today() - timedelta(days=1), date.today() + timedelta(days=800)):
        assert client.post(f"{path}/links", json={"until": str(until)}, headers=OWNER).status_code == 422


def test_a_link_is_to_one_project_and_tells_of_no_other(project: Project, tmp_path: Path) -> None:
    other = Project.create(tmp_path / "other")
    for one in (project, other):
        remember_project(one.path, 1.0)
    client = TestClient(build(Access.of("test", "t0ken")), base_url=HERE)
    headers = bearer(project)

    assert client.get(f"/api/projects/{key_of(project.path)}/session", headers=headers).status_code == 409
    for name in SHOWN:
        said = client.get(f"/api/projects/{key_of(other.path)}/session{name}?number=1", headers=headers)
        assert said.status_code == 404 and str(tmp_path) not in said.text
    only = TestClient(build(Access.of("test", "t0ken"), other.path), base_url=HERE)
    said = only.get(f"/api/projects/{key_of(project.path)}/session", headers=headers)
    assert said.status_code == 404 and str(tmp_path) not in said.text


def test_the_link_is_exchanged_for_a_cookie_of_its_own_that_opens_no_socket(
    client: TestClient, project: Project
) -> None:
    token = links.make_link(project, TOMORROW).token
    done = client.post("/api/session", json={"token": token}, headers={"origin": HERE})
    cookie = done.headers["set-cookie"]
    assert done.status_code == 200 and token not in cookie and done.json()["home"] == ""
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "-link="))
    assert client.get("/api/session").json()["link"]["project"] == key_of(project.path)
    assert client.get("/api/projects").status_code == 403
    assert client.post("/api/session/tickets").status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"ws://127.0.0.1:7654/api/projects/{key_of(project.path)}/live"),
    ):
        pass
    name, _, value = cookie.partition(";")[0].partition("=")
    for forged in (value[:-1] + ("0" if value[-1] != "0" else "1"), value.partition(".")[0], f"{'0' * 12}.x"):
        client.cookies.clear()
        client.cookies.set(name, forged)
        assert client.get("/api/session").status_code == 401
    # Its maker keeps all rights in the same browser.
    client.cookies.set(name, value)
    client.post("/api/session", json={"token": "t0ken"}, headers={"origin": HERE})
    assert client.get("/api/projects").status_code == 200


def test_only_a_hash_is_kept_where_nobody_else_reads_it(project: Project, tmp_path: Path) -> None:
    made = links.make_link(project, TOMORROW)
    file = tmp_path / "cache/cryoloom/served/links.json"
    assert made.token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert links.link_with_token(made.token) == made.link
    file.chmod(0o644)  # somebody could have put one of their own into it
    assert links.link_with_token(made.token) is None


def test_the_command_prints_a_link_for_looking_beside_the_user_s_own(project: Project) -> None:
    words = ["--read-only-link", "--until", str(TOMORROW), "--no-browser"]
    command = [sys.executable, "-m", "cryoloom", "serve", str(project.path), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = [line.strip() for line in itertools.islice(process.stdout, 6) if "#token=" in line]
    finally:
        process.terminate()
        process.wait(20)
    assert len(found) == 2 and f"/p/{key_of(project.path)}/session#token=" in found[1]
    link = links.link_with_token(found[1].partition("token=")[2])
    assert link is not None and link.project == key_of(project.path)
    assert links.link_with_token(found[0].partition("token=")[2]) is None
    refused = subprocess.run([*command[:4], "--read-only-link"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and "--until" in refused.stderr


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("01.12.2026", "'01.12.2026', expected a day as year-month-day, such as 2026-12-01."),
        ("2020-01-01", "until is 2020-01-01, expected a day from"),
    ],
)
def test_a_day_that_is_none_or_over_is_refused_before_anything_is_served(
    project: Project, day: str, told: str
) -> None:
    command = [sys.executable, "-m", "cryoloom", "serve", str(project.path), "--no-browser"]

    ended = subprocess.run(
        [*command, "--read-only-link", "--until", day], capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 2 and ended.stdout == ""
    assert told in " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/data/a b/x.mrc is cut short", "…/a b/x.mrc is cut short"),
        ("file '/home/u/p/x.star': gone", "file '…/x.star': gone"),
        ("MotionCorr/job003/Movies/x.mrc", "MotionCorr/job003/Movies/x.mrc"),
        ("3 e/Å² and 5 Å/px", "3 e/Å² and 5 Å/px"),
        ("(/a/b/c.mrc, /d/e.mrc)", "(…/c.mrc, …/e.mrc)"),
        ("fn=/scratch/u/gain.mrc", "fn=…/gain.mrc"),
    ],
)
def test_who_came_by_a_link_is_told_names_without_folders(said: str, told: str) -> None:
    assert without_paths({"a": [said]}) == {"a": [told]}


def test_a_session_is_told_to_a_link_without_any_folder(client: TestClient, project: Project) -> None:
    project.run("import.movies", fn_in_raw="/data/secret/*.tiff", angpix=1, start=False)
    root = f"/api/projects/{key_of(project.path)}/session"
    assert client.get(root, headers=OWNER).json()["pattern"] == "/data/secret/*.tiff"
    told = client.get(root, headers=bearer(project))
    assert told.json()["pattern"] == "…/*.tiff" and "secret" not in told.text
    assert client.get(f"{root}/quality", headers=bearer(project)).json()["count"] == 0
