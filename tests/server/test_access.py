"""Without a token nothing is told; with one, nothing is done in the name of its owner by another site's page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from cryoloom import Project
from cryoloom.api.recent import key_of
from cryoloom.server.access import Access
from cryoloom.server.app import build
from cryoloom.server.guard import LARGEST_BODY, Guard

HERE = "http://127.0.0.1:7654"
BEARER = {"authorization": "Bearer t0ken"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p")


@pytest.fixture
def app(project: Project) -> Any:
    return build(Access.of("test", "t0ken"), project.path)


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url=HERE) as one:
        yield one


def routes(app: Guard) -> list[tuple[str, str]]:
    """All methods and addresses of the API, with something in the places of names."""
    described = TestClient(app, base_url=HERE).get("/api/openapi.json", headers=BEARER).json()
    found = []
    for path, methods in described["paths"].items():
        filled = re.sub(r"\{[^}]*\}", "1", path.replace("{key}", "0" * 12))
        found += [(method.upper(), filled) for method in methods]
    return found


def test_every_route_refuses_who_is_not_signed_in(app: Guard, client: TestClient) -> None:
    asked = [
        route for route in routes(app) if route not in {("POST", "/api/session"), ("DELETE", "/api/session")}
    ]
    assert len(asked) > 15
    for method, path in [*asked, ("GET", "/api/openapi.json")]:
        for headers in ({}, {"authorization": "Bearer other"}, {"cookie": "cryoloom-x=1"}):
            said = client.request(method, path, headers=headers)
            assert said.status_code == 401, (method, path)
            assert said.json()["error"]["found"] == "not signed in"


def test_the_token_is_exchanged_for_a_cookie_that_scripts_of_pages_do_not_see(client: TestClient) -> None:
    assert client.post("/api/session", json={"token": "other"}, headers={"origin": HERE}).status_code == 401
    done = client.post("/api/session", json={"token": "t0ken"}, headers={"origin": HERE})

    cookie = done.headers["set-cookie"]
    assert done.status_code == 200 and "t0ken" not in cookie
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert client.get("/api/projects").status_code == 200
    client.delete("/api/session")
    assert client.get("/api/projects").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"}, {"origin": "http://127.0.0.1:1"}, {"origin": "null"},
        {"origin": "http://127.0.0.1:7654.evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    ],
)  # fmt: skip
def test_another_site_s_page_does_nothing_in_the_user_s_name(
    client: TestClient, project: Project, headers: dict[str, str]
) -> None:
    client.post("/api/session", json={"token": "t0ken"}, headers={"origin": HERE})
    asked = {"protocol": "import.movies", "given": {"fn_in_raw": "/data/*.tiff", "angpix": 1}, "start": False}

    said = client.post(f"/api/projects/{key_of(project.path)}/jobs", json=asked, headers=headers)

    assert said.status_code == 403
    assert project.jobs() == []


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "a@127.0.0.1", "127.0.0.1:x", ""),
        *("127.0.0.1:7654/x", "127.0.0.1?x", "127.0.0.1#x"),
    ],
)  # fmt: skip
def test_a_host_that_is_not_this_server_s_is_refused_before_anything_is_looked_at(
    client: TestClient, host: str
) -> None:
    for path in ("/", "/api/projects", "/assets/x.js"):
        assert client.get(path, headers={"host": host, **BEARER}).status_code == 400


def test_a_host_that_a_proxy_passes_on_is_known_when_it_was_named(project: Project) -> None:
    app = build(Access.of("test", "t0ken", public="https://hub.example/lab/"), project.path, ["hub.example"])
    client = TestClient(app, base_url="http://hub.example")

    assert client.get("/api/projects", headers=BEARER).status_code == 200
    assert (
        client.post(
            "/api/session", json={"token": "t0ken"}, headers={"origin": "https://hub.example"}
        ).status_code
        == 200
    )
    assert (
        client.post(
            "/api/session", json={"token": "t0ken"}, headers={"origin": "https://x.example"}
        ).status_code
        == 403
    )


def test_bodies_have_an_end(client: TestClient) -> None:
    large = b" " * (LARGEST_BODY + 1)
    assert client.post("/api/session", content=large).status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * (LARGEST_BODY // 10)

    assert client.post("/api/session", content=pieces()).status_code >= 400


def test_answers_let_nothing_be_loaded_from_elsewhere(client: TestClient) -> None:
    for path in ("/", "/api/projects", "/assets/none.js", "/nowhere"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["..%2f..%2fpyproject.toml", "%2e%2e/app.py", "x.js%00", ".hidden.js", "/etc/passwd"]
)
def test_no_file_is_served_but_those_that_were_built(client: TestClient, path: str) -> None:
    assert client.get(f"/assets/{path}").status_code in (404, 405)


def test_a_project_that_was_not_opened_is_not_served(client: TestClient, tmp_path: Path) -> None:
    other = Project.create(tmp_path / "other")

    assert client.get(f"/api/projects/{key_of(other.path)}/jobs", headers=BEARER).status_code == 404
    assert client.post("/api/projects", json={"path": str(other.path)}, headers=BEARER).status_code == 409


def test_live_events_need_a_ticket_that_is_good_once(client: TestClient, project: Project) -> None:
    address = f"ws://127.0.0.1:7654/api/projects/{key_of(project.path)}/live"
    for query in ("", "?ticket=x"):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(address + query):
            pass
    ticket = client.post("/api/session/tickets", headers=BEARER).json()["ticket"]
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"{address}?ticket={ticket}", headers={"origin": "http://evil.example"}),
    ):
        pass
    with client.websocket_connect(f"{address}?ticket={ticket}") as socket:
        job = project.run("import.movies", fn_in_raw="/data/*.tiff", angpix=1, start=False)
        assert socket.receive_json()["jobs"] == [job.name]
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{address}?ticket={ticket}"):
        pass
