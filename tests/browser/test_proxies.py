"""The page behind real proxies: one that takes its prefix away, and one that keeps it, as Open OnDemand's two."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Served, start_server
from playwright.sync_api import Browser, Page, expect

from cryoloom import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
# Stripped: a slash behind the upstream's address; kept: none. Host is the proxy's own, as its users see it.
CONFIG = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  map $http_upgrade $upgraded {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port};
    location {prefix} {{
      proxy_pass http://127.0.0.1:{upstream}{path};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $upgraded;
    }}
  }}
}}
"""


@dataclass
class Proxied:
    served: Served
    project: Project
    port: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=["takes away", "keeps"])
def proxied(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proxied]:
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    prefix = "/rnode/c12/7654/"
    project = Project.create(tmp_path / "p")
    project.make("import.movies", {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}, start=False)
    port, upstream = free_port(), free_port()
    public = f"http://127.0.0.1:{port}{prefix}"
    words = ["--port", str(upstream), "--public-url", public]
    kept = request.param == "keeps"
    served = start_server(
        str(project.path), *words, *(["--base", prefix] if kept else []), cache=tmp_path / "c"
    )
    path = "" if kept else "/"
    config = tmp_path / "nginx.conf"
    config.write_text(CONFIG.format(folder=tmp_path, port=port, prefix=prefix, upstream=upstream, path=path))
    proxy = subprocess.Popen([NGINX, "-c", str(config), "-p", str(tmp_path)])
    until = time.monotonic() + 10
    while not answers(port) and time.monotonic() < until:
        time.sleep(0.05)
    yield Proxied(served, project, port)
    proxy.terminate()
    proxy.wait(10)
    served.stop()


def test_the_page_works_below_a_prefix_and_hears_of_changes(page: Page, proxied: Proxied) -> None:
    assert proxied.served.link.startswith(f"http://127.0.0.1:{proxied.port}/rnode/c12/7654/#token=")
    page.goto(proxied.served.link)
    jobs = page.get_by_role("treeitem")
    expect(jobs).to_have_count(1)
    assert f":{proxied.port}/rnode/c12/7654/p/" in page.url
    with page.expect_websocket(timeout=10000) as socket_made:
        page.reload()
    assert "/rnode/c12/7654/api/projects/" in socket_made.value.url
    expect(jobs).to_have_count(1)
    proxied.project.make("import.movies", {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}, start=False)
    expect(jobs).to_have_count(2, timeout=15000)

    jobs.first.dblclick()
    expect(page).to_have_url(re.compile(r"/rnode/c12/7654/p/[0-9a-f]{12}/jobs/1$"))
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Import 001")
    page.get_by_title("Change the alias").click()
    page.get_by_label("Alias").fill("behind")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("is called behind")
    assert proxied.project.job(1).alias == "behind"


def test_another_site_behind_the_same_proxy_changes_nothing(browser: Browser, proxied: Proxied) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(proxied.served.link)
    expect(page.get_by_role("treeitem")).to_have_count(1)
    key = page.url.rpartition("/p/")[2].partition("/")[0].partition("?")[0]
    answer = context.request.post(
        f"http://127.0.0.1:{proxied.port}/rnode/c12/7654/api/projects/{key}/acts/delete",
        data={"numbers": [1]}, headers={"Origin": "http://127.0.0.1:1", "Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status == 403
    assert len(proxied.project.jobs()) == 1
    context.close()
