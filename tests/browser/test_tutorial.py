"""RELION's own tutorial project on the page: all its jobs with their figures, and not a byte of it changed."""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest
from conftest import kept, start_server
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.shared, pytest.mark.slow, pytest.mark.timeout(120)]


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() + f" {path.stat().st_mtime_ns}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_relion_s_tutorial_is_opened_looked_through_and_left_as_it_was(
    page: Page, shared_data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    archive = shared_data / "relion31_tutorial" / "relion_tutorial_files.tar.xz"
    subprocess.run(["tar", "xJf", str(archive), "-C", str(folder)], check=True)
    before = fingerprint(folder)
    served = start_server(cache=tmp_path / "cache")
    try:
        page.goto(served.link)
        page.get_by_label("Folder of a project").fill(str(folder))
        page.get_by_role("button", name="Open").click()
        jobs = page.get_by_role("treeitem")
        expect(jobs.first).to_be_visible()
        page.keyboard.press("f")
        page.locator(".graph").press("f")
        expect(jobs).to_have_count(31)
        home = re.sub(r"\?.*", "", page.url)
        kept(page, "tutorial")

        page.goto(f"{home}?job=29")
        inspector = page.get_by_role("complementary")
        expect(inspector.get_by_role("heading", name="Refine3D 029")).to_be_visible()
        expect(inspector.get_by_role("button", name=re.compile("Resume|Start"))).to_have_count(0)
        page.goto(f"{home}/jobs/30")
        expect(page.locator("figure[data-view=resolution]")).to_contain_text("2.82 Å", timeout=15000)
        expect(page.locator("figure[data-view=fsc] canvas")).to_be_visible(timeout=15000)
        kept(page, "tutorial-postprocess")
        page.goto(f"{home}/jobs/3")
        expect(page.locator("figure[data-view=ctf] canvas")).to_be_visible(timeout=15000)
        page.goto(f"{home}/jobs/8/parameters")
        expect(page.get_by_role("row").filter(has_text="nr_classes")).to_contain_text("50")
        page.goto(f"{home}/jobs/29/command")
        expect(page.locator("pre")).to_contain_text("relion_refine")
        # A copy of RELION's job with another value is a new job; the old ones stay.
        page.goto(f"{home}/jobs/18/select/particles")
        expect(page.get_by_text("4,501").or_(page.get_by_text("4501")).first).to_be_visible(timeout=15000)
    finally:
        served.stop()
    assert fingerprint(folder) == before
