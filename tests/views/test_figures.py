"""A figure that was drawn before is not drawn again, looks the same, and meets no other in a page."""

import re
from pathlib import Path
from typing import Any

import pytest

from cryoloom import Project
from cryoloom.project.index import cache_folder
from cryoloom.views import figures
from cryoloom.views.figures import Figures
from cryoloom.views.vega import converted


def heat(value: float) -> dict[str, Any]:
    """A chart with a colour scale, whose gradient has a name within the figure."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "mark": "rect",
        "data": {"values": [{"x": 1, "y": 1, "v": value}, {"x": 2, "y": 2, "v": 0.0}]},
        "encoding": {"x": {"field": "x", "type": "ordinal"}, "y": {"field": "y", "type": "ordinal"},
                     "color": {"field": "v", "type": "quantitative"}},
    }  # fmt: skip


def drawn_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is drawn from now on."""
    seen: list[str] = []
    monkeypatch.setattr(figures, "converted", lambda spec, form: seen.append(form) or converted(spec, form))
    return seen


def test_the_same_is_drawn_once_and_another_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = drawn_by(monkeypatch)

    first = Figures(tmp_path).svg(heat(1.0))
    again = Figures(tmp_path).svg(heat(1.0))
    other = Figures(tmp_path).svg(heat(2.0))

    assert first == again != other and len(seen) == 2
    assert Figures(tmp_path).are_known() and not Figures(tmp_path / "other").are_known()


def test_names_of_two_figures_never_meet(tmp_path: Path) -> None:
    texts = [Figures(tmp_path).svg(heat(value)) for value in (1.0, 2.0)]

    named = [{*re.findall(r'id="([^"]+)"', text)} for text in texts]
    assert named[0] and named[1] and not named[0] & named[1]
    for text, names in zip(texts, named, strict=True):
        assert {*re.findall(r"url\(#([^)]+)\)", text)} <= names


def test_what_was_not_asked_for_is_forgotten_and_a_cache_that_cannot_be_written_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Figures(tmp_path).svg(heat(1.0))
    later = Figures(tmp_path)
    later.svg(heat(2.0))
    later.forget_others()

    assert len([*(cache_folder(tmp_path) / figures.FOLDER).iterdir()]) == 1
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert Figures(tmp_path).svg(heat(3.0)).startswith("<svg") and not Figures(tmp_path).are_known()


def test_a_second_report_is_the_first_and_nothing_of_it_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from cryoloom.images.mrc import write_mrc

    for name in ("a", "b"):
        write_mrc(
            tmp_path / f"{name}.mrc", np.random.default_rng(1).normal(size=(16, 16)).astype(np.float32), 2.0
        )
    project = Project.create(tmp_path / "p")
    job = project.run("import.micrographs", fn_in_raw=str(tmp_path / "*.mrc"), angpix=2.0).wait(60)
    project.run("sets.filter", input=job, expression="rlnOpticsGroup > 0").wait(60)
    first = project.report(tmp_path / "r.html").read_text()
    seen = drawn_by(monkeypatch)

    second = project.report(tmp_path / "r.html").read_text()

    when = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    assert re.sub(when, "", second) == re.sub(when, "", first) and "<svg" in first
    assert seen == []
