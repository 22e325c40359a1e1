"""Sets are looked through and chosen from by the API: what is kept is what was said, and what has changed is refused."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from starlette.testclient import TestClient

from cryoloom import Job, Project, star
from cryoloom.api.recent import key_of
from cryoloom.images.mrc import write_mrc
from cryoloom.server.access import Access
from cryoloom.server.app import build

COUNT = 70
NAMES = ("rlnCoordinateX", "rlnDefocusU")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Project.create(tmp_path / "p")
    # Image n is white in its lower half to an extent that tells it from all others.
    stack = np.zeros((COUNT, 16, 16), np.float32)
    for n in range(COUNT):
        stack[n, :8] = np.linspace(0, 1, 16)[None, :] > n / COUNT
    write_mrc(made.path / "stack.mrcs", stack, 2.0)
    optics = pl.DataFrame({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["one"], "rlnImagePixelSize": [2.0],
                           "rlnImageSize": [16], "rlnImageDimensionality": [2], "rlnVoltage": [300.0],
                           "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1]})  # fmt: skip
    with made.external("made", outputs={"result": "particles"}) as job:
        frame = pl.DataFrame({
            "rlnImageName": [f"{n + 1:06d}@stack.mrcs" for n in range(COUNT)],
            "rlnMicrographName": ["a.mrc"] * COUNT, "rlnOpticsGroup": [1] * COUNT,
            "rlnCoordinateX": [float(n) for n in range(COUNT)], "rlnCoordinateY": [1.0] * COUNT,
            "rlnDefocusU": [77777.0 + n if n in (3, 5) else 10000.0 + (n * 37) % COUNT for n in range(COUNT)],
        })  # fmt: skip
        job.write("result", frame, optics=optics)
    # No job of ours writes what is no number; other programs do.
    file = made.job(1).dataset().file
    text = file.read_text()
    assert "77780" in text and "77782" in text
    file.write_text(re.sub(r"77780[.0]*", "nan", re.sub(r"77782[.0]*", "nan", text)))
    return made


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    app = build(Access.of("test", "t0ken"), project.path)
    base = f"http://127.0.0.1:7654/api/projects/{key_of(project.path)}/jobs/"
    with TestClient(app, base_url=base, headers={"authorization": "Bearer t0ken"}) as one:
        yield one


def asked(client: TestClient, what: str, **said: Any) -> Any:
    answer = client.post(f"1/datasets/result/{what}", json=said)
    assert answer.status_code < 300, answer.text
    return answer.json()


def test_the_table_is_the_file_s_with_what_its_labels_mean(client: TestClient, project: Project) -> None:
    assert [one["output"] for one in client.get("1/datasets").json()] == ["result"]
    found = client.get("1/datasets/result").json()

    columns = {one["name"]: one for one in found["columns"]}
    assert set(columns) == set(project.job(1).dataset().table().columns)
    assert (columns["rlnDefocusU"]["unit"], columns["rlnDefocusU"]["missing"]) == ("Å", 2)
    assert (found["count"], found["image"], found["growing"]) == (COUNT, "rlnImageName", False)


@pytest.mark.parametrize("descending", [False, True])
def test_what_is_no_number_stands_last_and_holds_no_condition(client: TestClient, descending: bool) -> None:
    order = {"sort": "rlnDefocusU", "descending": descending, "columns": ["rlnDefocusU"], "count": COUNT}

    rows = asked(client, "rows", **order)
    for rule in ("rlnDefocusU > 0", "not (rlnDefocusU > 10030)", "rlnDefocusU < 99999"):
        told = asked(client, "tally", rule=rule)
        assert told["unknown"] == 2
        kept = asked(client, "rows", rule=rule, show="kept", count=COUNT)
        assert told["kept"] == kept["total"] and not {3, 5} & set(kept["rows"])

    values = [value for [value] in rows["values"]]
    assert set(rows["rows"][-2:]) == {3, 5} and values[-2:] == [None, None]
    assert values[:-2] == sorted(values[:-2], reverse=descending)
    assert asked(client, "histogram", column="rlnDefocusU")["missing"] == 2
    assert sum(asked(client, "histogram", column="rlnDefocusU")["all"]) == COUNT - 2


@pytest.mark.parametrize("descending", [False, True])
def test_what_is_equal_keeps_the_order_of_the_file(client: TestClient, descending: bool) -> None:
    rows = asked(client, "rows", sort="rlnCoordinateY", descending=descending, count=COUNT)["rows"]

    assert rows == [*range(COUNT)]


def test_rows_come_in_pages_that_are_one_order_and_a_row_is_found_in_it(client: TestClient) -> None:
    order = {"sort": "rlnDefocusU", "descending": True, "rule": "rlnCoordinateX < 50", "show": "kept"}
    pages = [asked(client, "rows", **order, start=start, count=20) for start in range(0, 60, 20)]

    rows = [row for page in pages for row in page["rows"]]
    assert sorted(rows) == list(range(50)) and all(page["total"] == 50 for page in pages)
    assert [asked(client, "place", **order, row=row)["place"] for row in rows[:9]] == list(range(9))
    assert asked(client, "place", **order, row=60)["place"] is None


def test_a_sheet_has_each_image_at_its_place_and_is_of_one_reading(
    client: TestClient, project: Project
) -> None:
    stamp = client.get("1/datasets/result").json()["stamp"]
    rows = [60, 2, 33, 0, 10, 20, 30, 40, 50, 5, 69, 1]
    said = {"stamp": stamp, "rows": ",".join(map(str, rows)), "size": 32, "sigma": 1}

    sheet = np.asarray(Image.open(BytesIO(client.get("1/datasets/result/sheet.jpg", params=said).content)))

    assert sheet.shape == (64, 320)
    for place, row in enumerate(rows):
        top, left = place // 10 * 32, place % 10 * 32
        # Row 0 of an image comes out at the bottom; white begins at n / COUNT of its width.
        lower = sheet[top + 24 : top + 30, left : left + 32].mean(axis=0) > 128
        assert lower.mean() == pytest.approx(1 - row / COUNT, abs=0.11), row
    file = project.job(1).dataset().file
    file.write_text(file.read_text())
    assert client.get("1/datasets/result/sheet.jpg", params=said).status_code == 409


def test_a_name_that_leads_out_of_the_project_is_not_drawn(
    client: TestClient, project: Project, tmp_path: Path
) -> None:
    write_mrc(tmp_path / "secret.mrc", np.random.default_rng(1).normal(size=(16, 16)).astype(np.float32), 1.0)
    file = project.job(1).dataset().file
    text = file.read_text().replace("000001@stack.mrcs", "../secret.mrc")
    file.write_text(text.replace("000002@stack.mrcs", str(tmp_path / "secret.mrc")))
    stamp = client.get("1/datasets/result").json()["stamp"]

    answer = client.get("1/datasets/result/sheet.jpg", params={"stamp": stamp, "rows": "0,1", "size": 32})

    assert np.asarray(Image.open(BytesIO(answer.content))).std() < 3


def test_what_is_kept_is_what_was_chosen_by_rule_and_by_hand(client: TestClient, project: Project) -> None:
    stamp = client.get("1/datasets/result").json()["stamp"]
    ids = asked(client, "rows", count=COUNT)["ids"]
    said = {
        "stamp": stamp,
        "rule": "rlnDefocusU > 10030 or rlnCoordinateX < 2",
        "added": [ids[3], ids[4]],
        "removed": [ids[0]],
    }
    table = project.job(1).dataset().table()
    by_rule = (table["rlnDefocusU"].fill_nan(0) > 10030) | (table["rlnCoordinateX"] < 2)
    truth = {ids[n] for n in range(COUNT) if (by_rule[n] or n in (3, 4)) and n != 0}

    told, python = asked(client, "tally", **said), asked(client, "asked", **said)
    made = asked(client, "keep", **said)

    job = project.job(made["jobs"][0]).wait()
    assert told["kept"] == made["count"] == len(truth)
    assert set(job.dataset("kept").table()["cryoloomItemId"]) == truth
    assert len(job.dataset("rejected")) == COUNT - len(truth)
    assert (
        dict(job.params)["expression"] == python["given"]["expression"]
        and "project.run('sets.filter'" in python["python"]
    )
    again = client.get("2/choice").json()
    assert {name: again[name] for name in ("number", "output", "rule", "added", "removed")} == {
        "number": 1, "output": "result", "rule": said["rule"], "added": said["added"], "removed": said["removed"],
    }  # fmt: skip


def test_a_changed_choice_makes_what_hangs_on_it_anew(client: TestClient, project: Project) -> None:
    first = asked(client, "keep", rule="rlnCoordinateX < 9")["jobs"][0]
    project.job(first).wait()
    behind = project.run("sets.sort", input=project.job(first), by="rlnDefocusU").wait()
    assert client.get("2/choice").json()["dependents"] == [behind.name]

    made = asked(client, "keep", rule="rlnCoordinateX < 7", instead_of=2)

    jobs = [project.job(name).wait() for name in made["jobs"]]
    assert [job.protocol for job in jobs] == ["sets.filter", "sets.sort"]
    assert [len(job.dataset()) for job in jobs] == [7, 7] and len(behind.dataset()) == 9


def test_a_changed_choice_keeps_what_is_told_and_not_less_by_what_its_job_judged_by_besides(
    client: TestClient, project: Project
) -> None:
    given = {"input": project.job(1), "expression": "rlnCoordinateX < 9", "ranges": "rlnCoordinateX: 5.."}
    assert len(project.run("sets.filter", **given).wait().dataset("kept")) == 4
    assert client.get("2/choice").json()["besides"] == "ranges"

    made = asked(client, "keep", rule="rlnCoordinateX < 7", instead_of=2)

    [name] = made["jobs"]
    assert made["count"] == len(project.job(name).wait().dataset("kept")) == 7


def test_what_was_made_anew_since_it_was_seen_is_not_kept(client: TestClient, project: Project) -> None:
    stamp = client.get("1/datasets/result").json()["stamp"]
    file = project.job(1).dataset().file
    file.write_text(file.read_text().replace("10037", "10038"))

    refused = client.post("1/datasets/result/keep", json={"stamp": stamp, "rule": "rlnCoordinateX < 9"})

    assert refused.status_code == 409 and "changed" in refused.json()["error"]["found"]
    gone = client.post(
        "1/datasets/result/keep", json={"rule": "rlnCoordinateX < 9", "added": ["i0123456789abcde"]}
    )
    assert gone.status_code == 422 and "1 items" in gone.json()["error"]["found"]
    for nothing in ({"rule": "false"}, {"rule": ""}, {"rule": "rlnCoordinateX < 9 --", "added": ["x"]}):
        assert client.post("1/datasets/result/keep", json=nothing).status_code == 422 or nothing[
            "rule"
        ].endswith("--")
    assert [job.name for job in project.jobs()] == ["External/job001"]


def test_points_are_binned_where_they_are_many_and_none_is_lost(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = {"x": "rlnCoordinateX", "y": "rlnDefocusU", "rule": "rlnCoordinateX < 10"}
    points = asked(client, "points", **axes)
    monkeypatch.setattr("cryoloom.api.plots.MOST_POINTS", 20)
    fields = asked(client, "points", **axes)

    assert (len(points["rows"]), sum(points["kept"]), points["missing"]) == (COUNT - 2, 8, 2)
    assert (fields["rows"], sum(fields["all"]), sum(fields["kept"])) == ([], COUNT - 2, 8)


def test_classes_of_a_classification_that_has_not_ended_are_not_chosen(
    client: TestClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"fn_img": project.job(1), "nr_classes": 2, "particle_diameter": 25, "do_ctf_correction": False}
    job = project.make("relion.class2d", given, start=False)
    monkeypatch.setattr(Job, "state", "running")
    model = job.dataset("classes").file
    classes = pl.DataFrame({"rlnReferenceImage": ["000001@a.mrcs", "000002@a.mrcs"], "rlnClassDistribution": [0.6, 0.4],
                            "rlnEstimatedResolution": [10.0, 999.0]})  # fmt: skip
    star.write(model, {"model_classes": classes})
    found = client.get("2/datasets/classes").json()
    assert (
        found["growing"]
        and found["proposal"] == "rlnClassDistribution > 0.03 and rlnEstimatedResolution <= 10.0"
    )
    # 999 is no resolution.
    told = client.post("2/datasets/classes/tally", json={"rule": "rlnEstimatedResolution > 0"}).json()
    assert (told["kept"], told["unknown"]) == (1, 1)
    star.write(model, {"model_classes": classes.with_columns(pl.lit(999.0).alias("rlnEstimatedResolution"))})
    unknown = client.get("2/datasets/classes").json()["proposal"]
    assert client.post("2/datasets/classes/tally", json={"rule": unknown}).json()["kept"] == 2
    refused = client.post("2/datasets/classes/keep", json={"rule": "rlnClassDistribution > 0.5"})
    assert refused.status_code == 409 and "Choose when it is done" in refused.json()["error"]["hint"]
    monkeypatch.undo()
    made = client.post("2/datasets/classes/asked", json={"rule": "false", "added": ["2"]}).json()
    assert made["given"] == {"fn_model": "Class2D/job002:classes", "classes": "2"}
