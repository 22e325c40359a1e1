"""Scipion's workflows come in with their meaning, and whatever has no counterpart is told: nothing is dropped in silence."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cryoloom import Project
from cryoloom.api.workflows import check_for_new_project, convert
from cryoloom.cli.main import main
from cryoloom.errors import ProjectError
from cryoloom.project.registry import find_protocol
from cryoloom.project.workflows.foreign import as_workflow
from cryoloom.project.workflows.foreign.scipion_forms import File, To
from cryoloom.project.workflows.foreign.scipion_table import KINDS

GAIN = "/home/author/gain.mrc"


def box(number: int, kind: str, label: str, **params: Any) -> dict[str, Any]:
    return {
        "object.className": kind,
        "object.id": str(number),
        "object.label": label,
        "object.comment": "",
        **params,
    }


BOXES = [
    # A box may stand before those that it needs.
    box(9, "ProtRelionRefine3D", "relion - refine", inputParticles="5.outputParticles", referenceVolume="7.outputVolume",
        symmetryGroup="d2", angularSamplingDeg=3, localSearchAutoSamplingDeg=5, isMapAbsoluteGreyScale=False, maskZero=1,
        maskDiameterA=-1, doGpu=True, numberOfMpi=3, oversampling=2, useBlush=False),
    box(2, "ProtImportMovies", "pwem - import movies", filesPath="/data/session/", filesPattern="*.tiff", voltage=200.0,
        samplingRate=0.885, dosePerFrame=1.277, gainFile=GAIN, darkFile="/data/dark.mrc", dataStreaming=False, timeout=100),
    box(3, "ProtRelionMotioncor", "relion - motion", inputMovies="2.outputMovies", sumFrame0=1, sumFrameN=0, patchX=5, patchY=5,
        saveFloat16=True, extraParams="--x", doDW=True, eerSampling=1),
    box(4, "CistemProtCTFFind", "ctf", inputMicrographs="3.outputMicrographsDoseWeighted", lowRes=30.0, highRes=4.5,
        fixAstig=True, _prerequisites="2"),
    box(8, "ProtRelionAutopickLoG", "LoG", inputMicrographs="3.outputMicrographs", minDiameter=150, maxDiameter=180,
        threshold2=5.0, boxSize=64),
    box(5, "ProtRelionExtractParticles", "extract", inputCoordinates="8.outputCoordinates", ctfRelations="4.outputCTF",
        boxSize=256, doRescale=True, rescaledSize=64, backDiameter=200, doInvert=True, streamingBatchSize=0, novelty=7),
    box(6, "XmippProtEliminate", "xmipp - eliminate", inputParticles="5.outputParticles"),
    box(7, "ProtRelionInitialModel", "relion - model", inputParticles="6.outputParticles", symmetryGroup="D2", runInC1=True,
        numberOfIter=100),
    box(10, "ProtRelionCtfRefinement", "relion - ctf", inputParticles="9.outputParticles", inputPostprocess="11.",
        doCtfFitting=True, fitDefocus=2, fitAstig=1, fitBfactor=0, fitPhaseShift=0),
    box(11, "ProtRelionPostprocess", "relion - post", protRefine="9.", solventMask="12.outputMask", doAutoBfactor=False,
        bfactor=-80.0, skipFscWeighting=False, lowRes=9.0, calibratedPixelSize=0.0, origPixelSize=0.885,
        mtf="/home/author/m.star"),
    box(12, "ProtRelionCreateMask3D", "relion - mask", inputVolume="9.outputVolume", threshold=0.005, extend=3, edge=6),
]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "flow.json").write_text(json.dumps(BOXES))
    return tmp_path / "flow.json"


def jobs_of(file: Path) -> dict[str, dict[str, Any]]:
    found = as_workflow(file)
    assert found is not None
    return {job["name"]: job for job in found.content["jobs"]}


def told(file: Path, *fates: str) -> dict[tuple[str, str], str]:
    found = as_workflow(file)
    assert found is not None
    return {
        (re.sub(r" \(.*", "", one.box), one.param): one.fate for one in found.remarks if one.fate in fates
    }


def test_jobs_are_in_order_and_linked_to_what_is_meant_here(file: Path) -> None:
    jobs = jobs_of(file)

    assert " ".join(jobs) == "import_movies motion LoG ctf extract model model_D2 refine mask post ctf_10"
    assert jobs["extract"]["inputs"] == {"star_mics": "ctf:micrographs", "coords_suffix": "LoG:coordinates"}
    assert jobs["post"]["inputs"] == {"fn_in": "refine:half_maps", "fn_mask": "mask:mask"}
    assert jobs["mask"]["inputs"] == {"fn_in": "refine:volume"}
    assert jobs["ctf_10"]["inputs"] == {"fn_data": "refine:particles", "fn_post": "post:postprocess"}
    assert jobs["model_D2"] == {
        "name": "model_D2", "protocol": "relion.symmetrise", "params": {"sym_name": "D2"}, "inputs": {"fn_in": "model:volume"},
    }  # fmt: skip
    assert jobs["ctf"]["wait_for"] == ["import_movies"]


def test_values_keep_their_meaning(file: Path) -> None:
    jobs = jobs_of(file)

    assert jobs["import_movies"]["params"] | {"fn_in_raw": "", "fn_gain_ref": ""} == {
        "fn_in_raw": "", "fn_gain_ref": "", "angpix": 0.885, "kV": 200.0, "dose_per_frame": 1.277,
    }  # fmt: skip
    # Numbers of choices become their texts; D2 is RELION's spelling.
    refine = jobs["refine"]["params"]
    assert (refine["sampling"], refine["auto_local_sampling"]) == ("3.7 degrees", "0.9 degrees")
    assert (refine["sym_name"], refine["do_zero_mask"]) == ("D2", "No")
    # A diameter of -1 is the whole box there and would be 200 Å by default here.
    assert refine["particle_diameter"] == "${refine_particle_diameter}"
    assert jobs["ctf_10"]["params"] == {"do_defocus": "Per-particle", "do_astig": "Per-micrograph"}
    assert jobs["post"]["params"] == {
        "do_auto_bfac": "No", "do_adhoc_bfac": "Yes", "adhoc_bfac": -80.0, "mtf_angpix": 0.885, "fn_mtf": "${post_fn_mtf}",
    }  # fmt: skip
    assert jobs["extract"]["params"] == {
        "extract_size": 256,
        "do_rescale": "Yes",
        "rescale": 64,
        "bg_diameter": 200.0,
    }
    assert jobs["motion"]["params"] == {"patch_x": 5, "patch_y": 5, "other_args": "--x"}


def test_a_fit_of_an_older_form_is_in_our_units(tmp_path: Path) -> None:
    old = {"lowRes": 0.05, "highRes": 0.35, "minDefocus": 0.25, "maxDefocus": 4.0}
    old |= {"findPhaseShift": True, "minPhaseShift": 0.1, "maxPhaseShift": 3.15, "stepPhaseShift": 0.2}
    (tmp_path / "old.json").write_text(json.dumps([box(4, "CistemProtCTFFind", "ctf", **old)]))
    params = jobs_of(tmp_path / "old.json")["ctf"]["params"]

    assert (params["dfmin"], params["dfmax"]) == (2500, 40000)
    assert (params["phase_min"], params["phase_step"]) == (6, 11)
    assert "phase_max" not in params  # 180 degrees, as here
    assert not {"resmin", "resmax"} & {*params}
    converted = as_workflow(tmp_path / "old.json")
    assert converted is not None
    told = {remark.param: remark.fate for remark in converted.remarks}
    assert told["lowRes"] == told["highRes"] == "changed"


def test_a_fit_of_a_newer_form_keeps_its_numbers(tmp_path: Path) -> None:
    new = {"lowRes": 25.0, "highRes": 4.0, "minDefocus": 4000.0, "maxDefocus": 40000.0, "stepDefocus": 50.0}
    new |= {"findPhaseShift": True, "minPhaseShift": 5.0, "maxPhaseShift": 170.0, "stepPhaseShift": 5.0}
    (tmp_path / "new.json").write_text(json.dumps([box(4, "CistemProtCTFFind", "ctf", **new)]))
    params = jobs_of(tmp_path / "new.json")["ctf"]["params"]

    names = ("resmin", "resmax", "dfmin", "dfmax", "dfstep", "phase_min", "phase_max", "phase_step")
    assert [params[name] for name in names] == [25, 4, 4000, 40000, 50, 5, 170, 5]


def test_all_that_has_no_counterpart_is_told(file: Path) -> None:
    assert told(file, "lost") == dict.fromkeys([
        ("pwem - import movies", "darkFile"), ("relion - motion", "eerSampling"), ("extract", "novelty"),
        ("xmipp - eliminate", ""), ("relion - refine", "oversampling"),
    ], "lost")  # fmt: skip
    assert told(file, "open").keys() == {
        ("pwem - import movies", "filesPath"), ("pwem - import movies", "gainFile"), ("ctf", "fn_ctffind_exe"),
        ("relion - model", "fn_img"), ("relion - refine", "doGpu"), ("relion - refine", "maskDiameterA"),
        ("relion - post", "mtf"),
    }  # fmt: skip


def test_boxes_for_which_there_is_no_job_are_counted(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    monkeypatch.setattr("sys.argv", ["cryoloom", "workflow", "convert", str(file), "-o", str(out)])
    assert main() in (0, None)

    # Eliminate is lost, and a job of its own gives the model its symmetry.
    assert capsys.readouterr().out.startswith(f"{out}: 11 jobs for 11 boxes; for 1 of them there is none\n")


def test_every_parameter_of_every_box_is_taken_or_told(file: Path) -> None:
    found = as_workflow(file)
    assert found is not None
    said = {(re.search(r"\((\d+)", one.box).group(1), one.param) for one in found.remarks}  # type: ignore[union-attr]
    for one in BOXES:
        kind = KINDS.get(one["object.className"])
        if kind is None:
            continue
        pointing = {way.partition(">")[0] for given in kind.inputs.values() for way in given.ways}
        for param in one.keys() - pointing:
            is_taken = isinstance(kind.params.get(param), To | File)
            assert param.startswith("object.") or is_taken or (one["object.id"], param) in said, param


def test_what_is_made_passes_check_and_says_nothing_of_the_author_s_machine(
    file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "ours.json"
    convert(file, out)

    assert "/home" not in out.read_text() and "/data" not in out.read_text()
    for one in (file, out):
        checked = check_for_new_project(one, {})
        assert checked.faults == ()
        assert any("xmipp - eliminate (6, XmippProtEliminate)" in remark for remark in checked.remarks)


def test_a_template_asks_what_scipion_would_ask(tmp_path: Path) -> None:
    text = """A demo in two boxes.
[{"object.className": "ProtImportMovies", "object.id": "2", "object.label": "movies", "object.comment": "of today",
  "filesPath": "~Folder|%(SCIPION_TESTS)s/x|2|where~", "filesPattern": "*.mrcs", "voltage": ~Voltage|300|4|volt~,
  "samplingRate": ~Pixel size|3.54|4|sr~, "dosePerFrame": ~Dose|0.0|4|dose~, "dataStreaming": ~Live?|True|1|live~},
 {"object.className": "ProtMotionCorr", "object.id": "5", "object.label": "motion", "inputMovies": "2.outputMovies",
  "group": ~Frames|2|3|frames~, "gainRot": ~Turn|1|3|turn~}]
"""
    (tmp_path / "demo.json.template").write_text(text)

    found = as_workflow(tmp_path / "demo.json.template")

    assert found is not None
    assert (found.content["title"], found.content["comment"]) == ("demo", "A demo in two boxes.")
    assert found.content["placeholders"] == {
        "where": {"type": "path", "title": "Folder"},
        "volt": {"type": "float", "title": "Voltage", "default": "300"},
        "sr": {"type": "float", "title": "Pixel size", "default": "3.54"},
        # 0 is no dose: who runs it has to say it.
        "dose": {"type": "float", "title": "Dose"},
        "live": {"type": "bool", "title": "Live?", "default": "True"},
        "frames": {"type": "int", "title": "Frames", "default": "2"},
    }
    assert ("motioncorr", "gainRot") not in told(tmp_path / "demo.json.template", "idle")
    assert told(tmp_path / "demo.json.template", "lost")[("motion", "gainRot")] == "lost"
    project = Project.create(tmp_path / "p")
    movies = project.import_workflow(tmp_path / "demo.json.template", where="/x", dose="1.5")[0]
    values = movies.entry.make_protocol().values
    assert (values["fn_in_raw"], values["kV"], values["dose_per_frame"], values["stream"]) == (
        "/x/*.mrcs",
        300.0,
        1.5,
        True,
    )
    assert "of today" in movies.note()


def test_rows_of_the_table_name_what_is_there() -> None:
    for name, kind in KINDS.items():
        protocol = find_protocol(kind.protocol)
        assert kind.inputs.keys() <= protocol.inputs.keys(), name
        assert {one for some in kind.outputs.values() for one in some} <= protocol.outputs_declared.keys(), (
            name
        )
        assert {*kind.always, *kind.programs} <= protocol.params.keys(), name


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"object.className": "ProtImportMovies", }]')
    (tmp_path / "b.json").write_text('[{"object.className": "ProtImportMovies"}]')
    (tmp_path / "c.json").write_text("{}")

    for name, said in (
        ("a", "line 1"),
        ("b", "without a class or a number"),
        ("c", "no workflow of another program"),
    ):
        with pytest.raises(ProjectError, match=said):
            convert(tmp_path / f"{name}.json", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


@pytest.mark.shared
@pytest.mark.parametrize(("name", "boxes", "jobs"), [("betagal-turorial", 33, 33), ("demo", 7, 3)])
def test_the_plugin_s_templates_come_in_and_pass_check(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    name: str, boxes: int, jobs: int,
) -> None:  # fmt: skip
    template, out = shared_data / "scipion" / f"{name}.json.template", tmp_path / "out.json"
    monkeypatch.setattr(
        "sys.argv", ["cryoloom", "workflow", "convert", str(template), "-o", str(out), "--json"]
    )
    assert main() in (0, None)

    report = json.loads(capsys.readouterr().out)

    assert (report["boxes"], report["jobs"]) == (boxes, jobs)
    assert check_for_new_project(out, {}).faults == ()
    known = {one["box"] for one in report["remarks"]}
    made = json.loads(out.read_text())["jobs"]
    assert len(made) + sum(one["fate"] == "lost" and not one["param"] for one in report["remarks"]) >= boxes
    assert known and "/home" not in out.read_text()
    if name == "betagal-turorial":
        by_name = {job["name"]: job for job in made}
        assert by_name["bayesian_polishing"]["params"] | {"nr_threads": 0} == {
            "do_own_params": "Yes", "sigma_vel": 0.42, "sigma_div": 1600.0, "sigma_acc": 2.61, "nr_threads": 0,
        }  # fmt: skip
        assert by_name["3D_classification"]["params"]["ini_high"] == 50.0
        assert by_name["local_resolution"]["params"]["adhoc_bfac"] == -7.64
