"""What the server tells of micrographs is what their files say; nothing outside the project is shown."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from starlette.testclient import TestClient

from cryoloom import Project, star
from cryoloom.api.micrograph_pictures import MicrographPictures
from cryoloom.api.micrographs import micrographs_of, pick_by_hand, picks_on, spread_of
from cryoloom.api.picking import picks_of
from cryoloom.api.recent import key_of
from cryoloom.errors import ImageError
from cryoloom.images.mrc import read_mrc, write_mrc
from cryoloom.server.access import Access
from cryoloom.server.app import build

BEARER = {"authorization": "Bearer t0ken"}
X, Y, MERIT = "rlnCoordinateX", "rlnCoordinateY", "rlnAutopickFigureOfMerit"
MICROGRAPHS = "CtfFind/job004/micrographs_ctf.star"


@pytest.fixture(scope="module")
def project(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("s") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    return Project(folder)


@pytest.fixture(scope="module")
def client(project: Project) -> Iterator[TestClient]:
    app = build(Access.of("test", "t0ken"), project.path)
    with TestClient(app, base_url="http://127.0.0.1:7654", headers=BEARER) as one:
        yield one


def where(project: Project, job: int, output: str, what: str = "") -> str:
    return f"/api/projects/{key_of(project.path)}/jobs/{job}/micrographs/{output}{what}"


@pytest.mark.relion
@pytest.mark.slow
class TestOfAProject:
    def test_a_list_says_what_its_table_says(self, project: Project, client: TestClient) -> None:
        table = star.tables_of(star.read(project.path / MICROGRAPHS))["micrographs"]

        found: dict[str, Any] = client.get(where(project, 4, "micrographs")).json()

        assert [one["micrograph"] for one in found["lines"]] == table["rlnMicrographName"].to_list()
        assert [one["fit"] for one in found["lines"]] == table["rlnCtfMaxResolution"].to_list()
        assert {one["angpix"] for one in found["lines"]} == {3.0}

    def test_tiles_are_the_micrograph_s_own_pixels(self, project: Project, client: TestClient) -> None:
        told = client.get(where(project, 4, "micrographs", "/picture"), params={"at": "multi_0002"}).json()
        tiles = [[client.get(f"/api/tiles/{told['name']}/0/{x}/{y}.png") for x in (0, 1)] for y in (0, 1)]

        shown = np.vstack([np.hstack([_pixels(one.content) for one in row]) for row in tiles])
        pixels = np.asarray(read_mrc(project.path / told["micrograph"]))[::-1]
        assert shown.shape == pixels.shape == (told["height"], told["width"])
        assert np.corrcoef(shown.ravel(), pixels.ravel())[0, 1] > 0.99
        assert "immutable" in tiles[0][0].headers["cache-control"]

    def test_a_threshold_counts_as_the_picks_are(self, project: Project) -> None:
        picks = project.job(6).outputs()["coordinates"].picks()

        found = spread_of(project.job(6), "coordinates")

        for step, kept in zip(found.steps, found.kept, strict=True):
            assert kept == picks.filter(pl.col(MERIT) >= step).height
        assert (found.total, found.kept[0], found.kept[-1]) == (picks.height, picks.height, 0)

    def test_refined_particles_lie_at_their_centres(self, project: Project) -> None:
        table = project.job(17).outputs()["particles"].table()
        first = picks_on(project.job(17), "particles", "single_0001")

        row = table.row(by_predicate=pl.col("cryoloomItemId") == first.table["cryoloomItemId"][0], named=True)
        # The origin moves the image: the particle lies on the other side, by so many of the micrograph's 3 Å.
        assert first.table[X][0] == pytest.approx(row[X] - row["rlnOriginXAngst"] / 3.0)
        assert first.table[Y][0] == pytest.approx(row[Y] - row["rlnOriginYAngst"] / 3.0)

    def test_automatic_picks_are_mended_in_a_job_that_begins_with_them(
        self, project: Project, client: TestClient
    ) -> None:
        before = picks_on(project.job(6), "coordinates", "single_0001").table
        job = pick_by_hand(project.job(6), "coordinates")
        job.wait()
        number = int(job.name[-3:])

        listed = micrographs_of(job, "coordinates")
        assert (listed.by_hand, listed.diameter) == (True, 130.0)
        assert sum(one.picks or 0 for one in listed.lines) == 192
        asked = where(project, number, "coordinates", "/picks")
        told = client.get(asked, params={"at": "single_0001"}).json()
        rows = [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]
        assert [row["cryoloomItemId"] for row in rows] == before["cryoloomItemId"].to_list()
        # The first goes, one comes; all that is said of the others stays, and the new one is told its id.
        body = {"since": told["revision"], "picks": [*rows[1:], {X: 100.5, Y: 50.25}]}
        saved = client.put(asked, params={"at": "single_0001"}, json=body)
        assert saved.status_code == 200, saved.text
        now = picks_of(job, "single_0001").table
        assert saved.json()["ids"] == now["cryoloomItemId"].to_list()
        assert now[MERIT].to_list() == [*before[MERIT].to_list()[1:], -999.0]
        assert now.schema["rlnClassNumber"] == pl.Int64()
        # The one that was taken away comes back as itself.
        body = {"since": saved.json()["revision"], "picks": [*rows[1:], rows[0]]}
        again = client.put(asked, params={"at": "single_0001"}, json=body)
        assert again.json()["ids"][-1] == rows[0]["cryoloomItemId"]
        refused = client.put(asked, params={"at": "single_0001"}, json=body)
        assert refused.status_code == 409
        assert "somebody else" in refused.json()["error"]["found"]
        outside = {"since": again.json()["revision"], "picks": [{X: 600, Y: 1}]}
        assert client.put(asked, params={"at": "single_0001"}, json=outside).status_code == 422

    def test_nothing_but_micrographs_of_the_table_is_shown(
        self, project: Project, client: TestClient
    ) -> None:
        secret = project.path.parent / "secret.mrc"
        write_mrc(secret, np.ones((8, 8), np.float32), 1.0)
        ways = ("../secret.mrc", str(secret), "MotionCorr/job003/../../../secret.mrc")
        for name in ways:
            for what in ("/picture", "/small.png", "/picks"):
                said = client.get(where(project, 4, "micrographs", what), params={"at": name})
                assert said.status_code == 422, (name, what)
        # Not even where a table names it.
        table = project.path / "CtfFind/job004/micrographs_ctf.star"
        text = table.read_text()
        try:
            first = star.tables_of(star.read(table))["micrographs"]["rlnMicrographName"][0]
            table.write_text(text.replace(first, "../secret.mrc"))
            said = client.get(where(project, 4, "micrographs", "/picture"), params={"at": "../secret.mrc"})
            assert said.status_code == 409
            assert "leads out of the project" in said.json()["error"]["found"]
        finally:
            table.write_text(text)


def test_a_tile_of_a_file_that_was_written_anew_is_refused_and_not_mixed_with_the_old(tmp_path: Path) -> None:
    file = tmp_path / "m.mrc"
    write_mrc(file, np.zeros((64, 64), np.float32), 1.0)
    kept = MicrographPictures()
    name = kept.open(file).name
    write_mrc(file, np.ones((32, 32), np.float32), 1.0)

    with pytest.raises(ImageError, match="another one now"):
        kept.tile(name, 0, 0, 0)
    assert kept.open(file).width == 32


def test_pictures_take_no_more_memory_than_they_may_and_are_made_again(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=(300, 300)).astype(np.float32)
    files = [tmp_path / f"{number}.mrc" for number in range(4)]
    for number, file in enumerate(files):
        write_mrc(file, noise + number * np.eye(300, dtype=np.float32), 1.0)
    kept = MicrographPictures(most_bytes=1_000_000)
    names = [kept.open(file).name for file in files]

    tiles = [kept.tile(name, 1, 0, 0) for name in names]

    assert len(set(tiles)) == 4
    assert [kept.tile(name, 1, 0, 0) for name in names] == tiles
    assert sum(one.bytes for one in kept._made.values()) <= 1_000_000


def _pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)), dtype=np.float64)
