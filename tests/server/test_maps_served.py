"""Maps are served as their files lie: no axis is swapped or mirrored, lengths are the header's, and nothing else is read."""

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_maps import (
    BALL,
    BALL_PX,
    BARE,
    BLOB_AT,
    BLOBS,
    BLOBS_ANGPIX,
    BLOBS_SIZE,
    DARK,
    LOCAL,
    NAME,
    SHIFTED,
    ball,
    blobs,
    change,
    made_maps,
)  # fmt: skip
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from cryoloom import Project, star
from cryoloom.api.map_exporting import Colouring, ShownMap, chimerax_commands, fiji_macro
from cryoloom.api.map_surroundings import axes_of, orientations_around, point_group_of
from cryoloom.api.maps import map_of, maps_of, origins
from cryoloom.api.recent import key_of
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.images.volumes import blocks_of, doubled, framed, halved, placement_of, read_voxels
from cryoloom.server.access import Access
from cryoloom.server.app import build

BEARER = {"authorization": "Bearer t0ken"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return made_maps(tmp_path_factory.mktemp("maps") / "p")


@pytest.fixture(scope="module")
def client(project: Project) -> Iterator[TestClient]:
    app = build(Access.of("test", "t0ken"), project.path)
    with TestClient(app, base_url="http://127.0.0.1:7654", headers=BEARER) as one:
        yield one


def where(project: Project, job: int, what: str = "") -> str:
    return f"/api/projects/{key_of(project.path)}/jobs/{job}/maps{what}"


def facts(client: TestClient, project: Project, job: int, name: str = NAME) -> dict[str, Any]:
    found: dict[str, Any] = client.get(where(project, job, "/facts"), params={"name": name}).json()
    return found


def served(
    client: TestClient, project: Project, job: int, bin_px: int = 1
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The voxels in their frame, taken apart as the page does it, and the facts."""
    told = facts(client, project, job)
    asked = {"name": NAME, "stamp": told["stamp"], "bin": bin_px}
    data = client.get(where(project, job, "/voxels"), params=asked).content
    size = [-(-side // bin_px) + 2 for side in told["placement"]["size"]]
    blocks = int(np.prod([-(-(side - 1) // 8) for side in size]))
    return np.frombuffer(data, np.uint8, offset=2 * blocks).reshape(size[::-1]), told


def test_a_blob_off_the_middle_is_served_where_it_lies_in_x_y_and_z(
    client: TestClient, project: Project
) -> None:
    codes, told = served(client, project, BLOBS)

    z, y, x = np.unravel_index(int(codes.argmax()), codes.shape)
    assert (x - 1, y - 1, z - 1) == BLOB_AT
    assert told["placement"] == {"size": [*BLOBS_SIZE], "voxel": [BLOBS_ANGPIX] * 3, "origin": [0, 0, 0]}
    step = (told["high"] - told["low"]) / 254
    values = told["low"] + (codes[1:-1, 1:-1, 1:-1].astype(float) - 1) * step
    assert np.abs(values - blobs()).max() <= step / 2 + 1e-6


@pytest.mark.parametrize(("axis", "across", "up"), [("z", 0, 1), ("y", 0, 2), ("x", 1, 2)])
def test_slices_and_projections_have_their_axes_to_the_right_and_upwards(
    client: TestClient, project: Project, axis: str, across: int, up: int
) -> None:
    told = facts(client, project, BLOBS)
    asked = {"name": NAME, "stamp": told["stamp"], "axis": axis}
    place = {"place": BLOB_AT["xyz".index(axis)], "black": told["low"], "white": told["high"]}
    for what, more in (("slice", place), ("projection", {})):
        pixels = _pixels(client.get(where(project, BLOBS, f"/{what}.png"), params=asked | more).content)

        assert pixels.shape == (BLOBS_SIZE[up], BLOBS_SIZE[across])
        near = pixels[BLOBS_SIZE[up] - 1 - BLOB_AT[up] - 2 :][:5, BLOB_AT[across] - 2 :][:, :5]
        assert near.min() > 100
        assert pixels[BLOB_AT[up], BLOB_AT[across]] < 60  # where it would lie upside down


def test_a_file_of_another_order_of_axes_lies_in_space_as_its_header_says(tmp_path: Path) -> None:
    turned = np.ascontiguousarray(blobs().transpose(2, 0, 1))  # sections x, rows z, columns y
    write_mrc(tmp_path / "a.mrc", turned, 1.0, is_volume=True)
    change(tmp_path / "a.mrc", 64, "<3i", 2, 3, 1)
    change(tmp_path / "a.mrc", 28, "<3i", *BLOBS_SIZE)
    change(tmp_path / "a.mrc", 40, "<3f", *(2.0 * side for side in BLOBS_SIZE))
    change(tmp_path / "a.mrc", 16, "<3i", 5, 7, 3)

    found = read_voxels(tmp_path / "a.mrc")
    assert np.unravel_index(int(found.codes.argmax()), found.codes.shape) == BLOB_AT[::-1]
    assert found.placement.size == BLOBS_SIZE
    assert found.placement.voxel == (2.0, 2.0, 2.0)
    assert found.placement.origin == (6.0, 10.0, 14.0)  # starts are told of columns, rows and sections


def test_an_origin_and_a_pixel_size_are_the_header_s_and_a_missing_one_is_told(
    client: TestClient, project: Project
) -> None:
    shifted, bare = facts(client, project, SHIFTED), facts(client, project, BARE)

    assert shifted["placement"]["origin"] == [30.0, -12.0, 6.0]
    assert shifted["doubts"] == []
    assert bare["placement"]["voxel"] == [0, 0, 0]
    assert "no pixel size" in bare["doubts"][0]


def test_dark_density_and_voxels_without_a_value_are_told(
    client: TestClient, project: Project, tmp_path: Path
) -> None:
    assert any("inverted" in one for one in facts(client, project, DARK)["doubts"])
    assert facts(client, project, BALL)["doubts"] == []
    volume = blobs()
    volume[3, 4, 5], volume[9] = np.nan, np.inf
    write_mrc(tmp_path / "a.mrc", volume, 1.0, is_volume=True)

    found = read_voxels(tmp_path / "a.mrc")
    assert found.values.not_numbers == 1 + BLOBS_SIZE[0] * BLOBS_SIZE[1]
    assert found.codes[3, 4, 5] == 0
    assert found.values.largest == pytest.approx(volume[np.isfinite(volume)].max())


def test_blocks_hold_what_a_surface_may_cross_and_halves_are_means() -> None:
    chance = np.random.default_rng(1)
    codes = framed(chance.integers(1, 256, (21, 17, 30)).astype(np.uint8))
    least, largest = blocks_of(codes)

    assert least.shape == largest.shape == (3, 3, 4)
    for z, y, x in np.ndindex(least.shape):
        block = codes[8 * z : 8 * z + 9, 8 * y : 8 * y + 9, 8 * x : 8 * x + 9]
        assert (least[z, y, x], largest[z, y, x]) == (block.min(), block.max())
    plain = chance.integers(1, 256, (8, 6, 10)).astype(np.uint8)
    means = plain.reshape(4, 2, 3, 2, 5, 2).mean(axis=(1, 3, 5))
    assert np.abs(halved(plain) - means).max() <= 0.51


def test_a_coarse_map_lies_where_the_whole_one_does(client: TestClient, project: Project) -> None:
    codes = read_voxels(project.job(BLOBS).dataset().file).codes
    coarse = halved(codes).astype(float)

    z, y, x = (
        np.sum(coarse * place) / coarse.sum()
        for place in np.mgrid[: coarse.shape[0], : coarse.shape[1], : coarse.shape[2]]
    )
    whole = codes.astype(float)
    wanted = [
        np.sum(whole * place) / whole.sum()
        for place in np.mgrid[: codes.shape[0], : codes.shape[1], : codes.shape[2]]
    ]
    assert [2 * one + 0.5 for one in (z, y, x)] == pytest.approx(wanted, abs=0.02)


def test_twice_the_voxels_lie_where_the_map_does(project: Project) -> None:
    codes = read_voxels(project.job(BLOBS).dataset().file).codes
    fine = doubled(codes).astype(float)

    assert fine.shape == tuple(2 * side for side in codes.shape)
    z, y, x = np.unravel_index(int(fine.argmax()), fine.shape)
    assert all(abs(one - (2 * at + 0.5)) <= 0.5 for one, at in zip((x, y, z), BLOB_AT, strict=True))
    assert fine.mean() == pytest.approx(codes.mean(), rel=0.01)


def test_beside_voxels_without_a_value_twice_the_voxels_have_that_of_their_own() -> None:
    """As 0 they would count as the lowest value of all: local resolution would be best at the mask's edge."""
    codes = np.zeros((8, 8, 8), np.uint8)
    codes[2:6, 2:6, 2:6] = 200

    fine = doubled(codes)

    assert set(np.unique(fine[4:12, 4:12, 4:12])) == {200}
    assert np.count_nonzero(fine) == 8**3


@pytest.mark.parametrize("hot", [-1e6, 1e6, 1e4, -300.0])
@pytest.mark.parametrize("side", [32, 110])
def test_a_hot_voxel_takes_no_steps_from_the_others(tmp_path: Path, hot: float, side: int) -> None:
    volume = np.random.default_rng(1).normal(0, 1, (side, side, side)).astype(np.float32)
    volume[3, 4, 5] = hot
    write_mrc(tmp_path / "a.mrc", volume, 1.0, is_volume=True)

    found = read_voxels(tmp_path / "a.mrc")

    step = (found.high - found.low) / 254
    inner = np.abs(volume) < 4
    assert np.abs(found.value_of(found.codes) - volume)[inner].max() <= step
    assert step < 0.06
    assert found.codes[3, 4, 5] == (1 if hot < 0 else 255)
    assert (found.values.least, found.values.largest) == (volume.min(), volume.max())


def test_a_map_of_one_value_and_a_voxel_of_another_is_drawn_between_both(tmp_path: Path) -> None:
    volume = np.ones((128, 128, 128), np.float32)
    volume[0, 0, 0] = 0
    write_mrc(tmp_path / "a.mrc", volume, 1.0, is_volume=True)

    found = read_voxels(tmp_path / "a.mrc")

    assert (found.low, found.high) == (0, 1)
    assert (found.codes[0, 0, 0], found.codes[1, 1, 1]) == (1, 255)


def test_local_resolution_has_values_where_relion_knows_some(client: TestClient, project: Project) -> None:
    told = facts(client, project, LOCAL, "resolution.mrc")

    assert told["map"]["kind"] == "local resolution"
    assert 4 <= told["low"] < told["high"] <= 6  # neither its 0 nor its 100
    assert told["values"]["not_numbers"] == 64 + 3 * BALL_PX**2


def test_classes_and_iterations_are_told_apart(tmp_path: Path) -> None:
    project = made_maps(tmp_path / "p")
    folder = project.job(BALL).folder
    for iteration in (1, 12):
        for number in (1, 2):
            write_mrc(
                folder / f"run_it{iteration:03d}_class{number:03d}.mrc", ball(8, 2), 1.0, is_volume=True
            )
    (folder / "run_it012_class001_unfil.mrc").write_bytes(b"")

    assert [one.title for one in maps_of(project.job(BALL))] == [
        "001 result", "001 class 1, iteration 12", "001 class 2, iteration 12",
        "001 class 1, iteration 1", "001 class 2, iteration 1",
    ]  # fmt: skip


def test_the_level_of_a_weight_encloses_it(client: TestClient, project: Project) -> None:
    asked = {"name": NAME, "weight_kda": 10}
    level = client.get(where(project, BLOBS, "/level"), params=asked).json()["level"]

    enclosed = float((blobs() >= level).sum()) * BLOBS_ANGPIX**3
    assert enclosed / 1.21 / 1000 == pytest.approx(10, rel=0.06)  # voxels that are equal come together


def test_voxels_of_a_file_that_was_written_anew_are_refused_and_not_mixed_with_the_old(
    tmp_path: Path,
) -> None:
    project = made_maps(tmp_path / "p")
    with TestClient(
        build(Access.of("t", "t0ken"), project.path), base_url="http://127.0.0.1:7654", headers=BEARER
    ) as client:
        before = facts(client, project, BALL)
        write_mrc(project.job(BALL).dataset().file, np.roll(blobs(), 3), 2.0, is_volume=True)

        asked = {"name": NAME, "stamp": before["stamp"]}
        answer = client.get(where(project, BALL, "/voxels"), params=asked)
        assert answer.status_code == 409
        assert "another file" in answer.json()["error"]["text"]
        assert facts(client, project, BALL)["placement"]["size"] == [*BLOBS_SIZE]


@pytest.mark.parametrize(
    "name", ["../External/job002/result.mrc", "/etc/passwd", "job.star", "..%2fresult.mrc", "run.out"]
)
def test_only_maps_that_a_job_lists_are_served(client: TestClient, project: Project, name: str) -> None:
    for what in ("facts", "voxels", "slice.png", "level"):
        more = {"stamp": "0" * 24, "axis": "z", "place": 0, "black": 0, "white": 1, "weight_kda": 1}
        answer = client.get(where(project, BALL, f"/{what}"), params={"name": name} | more)
        assert answer.status_code == 404, what
    assert (
        client.get(
            where(project, BALL, "/facts"), params={"name": NAME}, headers={"authorization": ""}
        ).status_code
        == 401
    )


def test_chimerax_opens_the_same_maps_at_the_same_levels(client: TestClient, project: Project) -> None:
    shown = [{"job": BALL, "name": NAME, "level": 0.43, "colour": "#1D7A6B", "opacity": 0.6},
             {"job": BARE, "name": NAME, "level": 0.5, "colour": "#b4530e", "is_shown": False}]  # fmt: skip
    body = {
        "maps": shown,
        "colouring": {"job": 3, "name": NAME, "good": 10, "poor": 90},
        "camera": [*range(12)],
    }
    text = client.post(f"/api/projects/{key_of(project.path)}/maps/chimerax", json=body).text
    own = [ShownMap(map_of(project.job(BALL), NAME), 0.43, "#1d7a6b", 0.6),
           ShownMap(map_of(project.job(BARE), NAME), 0.5, "#b4530e", 1.0, False)]  # fmt: skip

    assert text == chimerax_commands(own, Colouring(map_of(project.job(3), NAME), 10, 90), [*range(12)])
    lines = text.splitlines()
    assert f'cd "{project.path}"' in lines
    assert 'open "External/job001/result.mrc" id 1 name "001 result"' in lines
    assert (project.path / "External/job001/result.mrc").is_file()
    assert "volume #1 style surface step 1 level 0.43 color #1d7a6b" in lines
    assert "transparency #1 40" in lines
    assert "volume #2 voxelSize 1" in lines  # whose header says none
    assert any(line.startswith("color sample #1 map #3 palette 10,#fde725:20,") for line in lines)
    assert "hide #2 models" in lines
    assert lines[-1] == "view matrix camera 0,1,2,3,4,5,6,7,8,9,10,11"
    with pytest.raises(ParameterError, match="rrggbb"):
        chimerax_commands([ShownMap(own[0].map, 0.4, "red; close all")])


def test_fiji_opens_maps_with_their_pixel_sizes(project: Project) -> None:
    text = fiji_macro([map_of(project.job(BLOBS), NAME)])

    assert f'folder = "{project.path}";' in text
    assert '"External/job002/result.mrc"' in text
    assert 'setVoxelSize(2, 2, 2, "Angstrom");' in text
    assert "setSlice(29);" in text


def test_orientations_of_a_class_are_those_of_its_own_particles(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    write_mrc(project.path / "stack.mrcs", np.zeros((10, 8, 8), np.float32), 2.0)
    volume = np.random.default_rng(1).random((8, 8, 8)).astype(np.float32)
    write_mrc(project.path / "start.mrc", volume, 2.0, is_volume=True)
    optics = pl.DataFrame({
        "rlnOpticsGroup": [1], "rlnOpticsGroupName": ["one"], "rlnImagePixelSize": [2.0], "rlnImageSize": [8],
        "rlnImageDimensionality": [2], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    })  # fmt: skip
    particles = pl.DataFrame({
        "rlnImageName": [f"{n}@stack.mrcs" for n in range(1, 11)], "rlnOpticsGroup": [1] * 10,
        "rlnDefocusU": [1e4] * 10, "rlnDefocusV": [1e4] * 10, "rlnDefocusAngle": [0.0] * 10, "rlnAngleRot": [0.0] * 10,
        "rlnAngleTilt": [0.0] * 3 + [90.0] * 7, "rlnAnglePsi": [0.0] * 10, "rlnClassNumber": [1] * 3 + [2] * 7,
    })  # fmt: skip
    with project.external("made", outputs={"result": "particles"}) as made:
        made.write("result", particles, optics=optics)
    given = {
        "fn_img": project.job(1),
        "fn_ref": "start.mrc",
        "nr_classes": 2,
        "particle_diameter": 12,
        "accept_unusual": True,
    }
    job = project.make("relion.class3d", given, start=False)
    star.write(job.dataset("particles").file, {"optics": optics, "particles": particles})
    names = [f"run_it025_class00{number}.mrc" for number in (1, 2)]
    for name in names:
        write_mrc(job.folder / name, volume, 2.0, is_volume=True)
    write_mrc(job.folder / "run_it024_body002.mrc", volume, 2.0, is_volume=True)

    first, second = (orientations_around(job, name) for name in names)

    assert (first.of_class, first.particles, first.counts) == (1, 3, (3.0,))
    assert first.directions[0] == pytest.approx((0, 0, 1), abs=0.15)
    assert (second.of_class, second.particles, second.counts) == (2, 7, (7.0,))
    assert second.directions[0] == pytest.approx((1, 0, 0), abs=0.15)
    assert orientations_around(job).particles == 10
    body = map_of(job, "run_it024_body002.mrc")
    assert (body.title, orientations_around(job, body.name).particles) == ("002 body 2, iteration 24", 10)


AXES = [
    ("C1", {}), ("C4", {4: 1}), ("D2", {2: 3}), ("D7", {7: 1, 2: 7}), ("T", {3: 4, 2: 3}), ("O", {4: 3, 3: 4, 2: 6}),
    ("I1", {5: 6, 3: 10, 2: 15}),
]  # fmt: skip


@pytest.mark.parametrize(("group", "orders"), AXES)
def test_a_point_group_has_its_axes(group: str, orders: dict[int, int]) -> None:
    found = axes_of(group)

    assert {
        order: sum(one.order == order for one in found) for order in {one.order for one in found}
    } == orders
    if group == "T":
        assert found[0].direction == pytest.approx((0, 0, 1))


@pytest.mark.relion
@pytest.mark.slow
class TestOfAProject:
    def test_a_job_lists_outputs_and_iterations(self, tiny: Project) -> None:
        found = maps_of(tiny.job(17))

        assert [one.title for one in found[:3]] == ["017 half 1", "017 half 2", "017 map"]
        iterations = [one for one in found if one.iteration is not None]
        assert [one.iteration for one in iterations] == sorted(
            (one.iteration or 0 for one in iterations), reverse=True
        )
        assert {one.half for one in iterations} == {1, 2}
        assert all(one.path.is_file() for one in found)
        assert next(one.title for one in maps_of(tiny.job(10))) == "010 map"

    def test_the_point_group_is_that_of_the_job_or_of_what_it_is_made_of(self, tiny: Project) -> None:
        for number in (17, 18):
            found = point_group_of(tiny.job(number))
            assert (found.group, found.job, len(found.axes)) == ("T", "Refine3D/job017", 7)
        assert next(origins(tiny.job(18))).name == "PostProcess/job018"

    def test_orientations_are_all_particles_and_lie_as_symmetry_has_them(self, tiny: Project) -> None:
        found = orientations_around(tiny.job(18))

        assert sum(found.counts) == pytest.approx(found.particles, abs=1)
        assert found.file == "Refine3D/job017/run_data.star"
        # Of what was counted at all its mates nothing is left in the middle.
        mean = np.average(found.directions, axis=0, weights=found.counts)
        assert np.abs(mean).max() < 0.02

    def test_a_first_level_is_what_the_library_proposes_for_a_mask(self, tiny: Project) -> None:
        from cryoloom.api.suggesting import mask_threshold

        one = map_of(tiny.job(18), "postprocess.mrc")
        found = one.facts()
        assert found.level == pytest.approx(
            mask_threshold(one.path).threshold, abs=(found.high - found.low) / 254
        )
        assert found.doubts == ()
        assert placement_of(one.path).voxel == (3.0, 3.0, 3.0)


def _pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_what_is_sent_is_deflated_once(client: TestClient, project: Project) -> None:
    told = facts(client, project, BALL)
    asked = {"name": NAME, "stamp": told["stamp"]}
    with client.stream("GET", where(project, BALL, "/voxels"), params=asked) as answer:
        raw = b"".join(answer.iter_raw())

    assert answer.headers["content-encoding"] == "deflate"
    assert len(zlib.decompress(raw)) == 2 * 9**3 + (BALL_PX + 2) ** 3
    assert len(raw) < BALL_PX**3 / 4
