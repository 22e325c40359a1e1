"""`plot`: what can be asked for is listed, shown in the terminal as far as that can, and written where it cannot."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from cryoloom import Project
from cryoloom.api.job import Job
from cryoloom.cli.main import main
from cryoloom.images.mrc import write_mrc


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """An import of three micrographs, of which one is cut short."""
    folder = tmp_path_factory.mktemp("plot")
    (folder / "raw").mkdir()
    for number in (1, 2, 3):
        image = np.random.default_rng(number).normal(size=(48, 64)).astype(np.float32)
        write_mrc(folder / f"raw/m_{number}.mrc", image, 2.0)
    os.truncate(folder / "raw/m_2.mrc", 3000)
    project = Project.create(folder / "p")
    return project.run("import.micrographs", fn_in_raw=f"{folder}/raw/*.mrc", angpix=2.0).wait(60)


def plot(job: Job, *words: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["cryoloom", "plot", job.name, *words, "-p", str(job.project.path)])
    return main()


def test_views_are_listed_with_what_can_be_asked_for(
    imported: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plot(imported, monkeypatch=monkeypatch) == 0

    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["view", "imported", "micrograph", "optics"]
    assert "--item NAME, newest" in lines[2]


def test_figures_are_printed_and_no_file_is_made_for_them(
    imported: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert plot(imported, "imported", monkeypatch=monkeypatch) == 0

    out = capsys.readouterr().out
    assert "taken    2" in out and "refused  1" in out and "m_2.mrc" in out and "cut short" in out
    assert not [*tmp_path.iterdir()]


def test_a_picture_is_written_beside_where_the_terminal_draws_none_and_any_item_can_be_asked_for(
    imported: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert plot(imported, "micrograph", "--item", "m_1", monkeypatch=monkeypatch) == 0
    assert (tmp_path / "Import_job001_micrograph.png").read_bytes()[:4] == b"\x89PNG"
    assert plot(imported, "micrograph", "-o", "x.png", "--item", "4", monkeypatch=monkeypatch) == 2
    assert "a number from 1 to 2" in capsys.readouterr().err
    assert plot(imported, "micrograph", "-o", "x.pdf", monkeypatch=monkeypatch) == 2
    assert ".png or .html for this view" in capsys.readouterr().err


def test_a_view_shows_itself_in_a_notebook(imported: Job) -> None:
    figures, picture = (imported.view(name)._repr_mimebundle_() for name in ("imported", "micrograph"))

    assert "taken    2" in figures["text/plain"] and "<table>" in figures["text/html"]
    assert picture["image/png"][:4] == b"\x89PNG"


def test_a_picture_is_not_called_nothing_and_a_file_that_is_gone_is_named(
    imported: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert plot(imported, "micrograph", "--item", "m_1", monkeypatch=monkeypatch) == 0
    assert "m_1" in (out := capsys.readouterr().out) and "nothing to show" not in out

    name = imported.dataset("micrographs").table()["rlnMicrographName"][0]
    file = imported.project.path / name
    file.rename(tmp_path / "away")
    try:
        assert plot(imported, "micrograph", "--item", "m_1", monkeypatch=monkeypatch) == 0
        assert f"nothing to show: {name} is not there" in capsys.readouterr().out
        assert plot(imported, "micrograph", "--item", "m_1", "-o", "x.png", monkeypatch=monkeypatch) == 2
        assert f"{name}, which is not there" in capsys.readouterr().err
    finally:
        (tmp_path / "away").rename(file)


def test_python_shows_the_same_and_without_a_name_the_first_view(imported: Job, tmp_path: Path) -> None:
    assert "taken    2" in str(imported.plot())

    assert repr(imported.view("imported")) == f"<JobView imported of {imported.name}: Files>"
    seen = imported.plot("micrograph", tmp_path / "first.png", item="m_1")

    assert "m_1" in str(seen)
    assert (tmp_path / "first.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_of_a_table_no_picture_is_made_and_it_is_said_how_it_is_seen(
    imported: Job,
    tmp_path: Path,
    ending: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert plot(imported, "imported", "-o", f"x.{ending}", monkeypatch=monkeypatch) == 2
    told = capsys.readouterr().err
    assert "It is a table and no picture: x.html shows it in a browser, x.json is for programs" in told
    assert plot(imported, "imported", "-o", "x.html", monkeypatch=monkeypatch) == 0
    assert "cut short" in (tmp_path / "x.html").read_text() and not (tmp_path / f"x.{ending}").exists()


def test_the_report_tells_a_failed_file_once(imported: Job, tmp_path: Path) -> None:
    text = imported.project.report(tmp_path / "r.html").read_text()

    assert text.count("cut short") == 1 and "Failed items" not in text


def test_a_view_is_shown_with_that_of_another_job_and_not_with_itself(
    imported: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = imported.project
    other = project.run(
        "import.micrographs", fn_in_raw=f"{project.path}/../raw/m_3.mrc", angpix=2.0, alias="one"
    ).wait(60)

    assert plot(imported, "imported", "--with", "one", monkeypatch=monkeypatch) == 0
    out = capsys.readouterr().out
    assert "Import/job001  one" in out and re.search(r"taken +2 +1\n", out), out
    assert "Refused files: Import/job001" in out
    assert (
        plot(imported, "micrograph", "--with", other.name, "-o", f"{tmp_path}/x.png", monkeypatch=monkeypatch)
        == 0
    )
    assert (tmp_path / "x.png").stat().st_size > 1000
    capsys.readouterr()
    assert plot(imported, "imported", "--with", imported.name, monkeypatch=monkeypatch) == 2
    assert "compared with itself, expected another job, or another iteration" in capsys.readouterr().err
