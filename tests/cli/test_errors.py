"""What a user gets wrong is one clear sentence and an exit code, never a traceback."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cryoloom as cryoloom_package
from cryoloom.api.doctor import diagnose
from cryoloom.api.protocol_help import help_of
from cryoloom.cli.protocol_help import as_text
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.registry import all_protocols
from cryoloom.project.settings import KNOWN
from cryoloom.protocol.declare import relion_text
from cryoloom.protocol.protocols import Protocol


def cryoloom(*args: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cryoloom", *args],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
    )


CASES = [
    (["run", "relion.class2d", "nr_clases=5"], "Did you mean nr_classes", 2),
    (["run", "relion.class2d", "nr_classes=0", "fn_img=particles.star"], "expected a value ≥ 1", 2),
    (["run", "relion.clas2d"], "Did you mean relion.class2d", 2),
    (["run", "relion.class2d", "fn_img=nowhere.star"], "neither a job nor a file", 2),
    (["run", "relion.class2d", "fn_img=1"], "expected a job that gives particles", 2),
    (["run", "relion.class2d", "word"], "expected name=value", 1),
    (["run", "import.movies"], "expected a pattern of files", 2),
    (["run", "import.movies", "fn_in_raw=*.mrc", "optics_groups=single"], "expected pattern=name", 2),
    (["show", "Class2D/job099"], "`cryoloom ls` lists them", 2),
    (["plot", "1", "fsc"], "view fsc is unknown", 2),
    (["restart", "9"], "`cryoloom ls` lists them", 2),
    (["delete"], "Missing argument", 2),
    (["continue", "1"], "which has no iterations", 2),
    (["copy", "1", "angpx=2"], "Did you mean angpix", 2),
    (["retry", "1"], "without failed items", 2),
    (["clean", "1"], "is scheduled, expected succeeded", 2),
    (["clean"], "say --all", 2),
    (["resume"], "say --all", 2),
    (["workflow", "run", "missing.json"], "missing.json is missing", 2),
    (
        ["run", "import.movies", "fn_in_raw=*.mrc", "angpix=1", "--memory-gb", "-5"],
        "memory_gb is -5, expected GB",
        2,
    ),
    (["priority", "1", "0", "--memory-gb", "-5"], "memory_gb is -5, expected GB", 2),
    (["relion", "command", "missing.star"], "missing.star is missing", 2),
    (["simulate", "out", "--preset", "huge"], "tiny", 2),
    (
        ["export", "script", "-o", "nowhere/again.sh"],
        "cryoloom: nowhere/again.sh: No such file or directory",
        1,
    ),
    (["report", "-o", "nowhere/report.html"], "nowhere is missing, expected a folder", 2),
    (["nonsense"], "No such command", 2),
]


@pytest.mark.parametrize(("args", "said", "code"), CASES, ids=[" ".join(case[0][:3]) for case in CASES])
def test_a_mistake_is_one_sentence(project: ProjectFolder, args: list[str], said: str, code: int) -> None:
    project.create_job("import.movies", {"fn_in_raw": "raw/*.mrc"}, {})
    (project.root / "particles.star").write_text("data_particles\n")

    done = cryoloom(*args, cwd=project.root)

    assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == code
    assert len(project.entries()) == 1


def test_a_folder_that_is_not_there_is_not_called_one_without_a_pipeline(tmp_path: Path) -> None:
    done = cryoloom("ls", "-p", str(tmp_path / "nothere"))

    assert done.returncode == 2
    assert "nothere is no folder" in done.stderr and "default_pipeline" not in done.stderr


def test_a_folder_that_is_no_project_is_said_so_with_what_to_do(tmp_path: Path) -> None:
    done = cryoloom("ls", "-p", str(tmp_path))

    assert done.returncode == 2
    assert "cryoloom new" in done.stderr


def test_ls_gives_json_with_the_promised_keys(project: ProjectFolder) -> None:
    project.create_job("import.movies", {"fn_in_raw": "raw/*.mrc"}, {}, alias="mine")

    [entry] = json.loads(cryoloom("ls", "--json", "-p", str(project.root)).stdout)

    assert {"name", "alias", "protocol", "state", "why", "items", "outputs"} <= set(entry)
    assert (entry["name"], entry["alias"], entry["state"]) == ("Import/job001", "mine", "scheduled")
    assert entry["items"] == {"done": 0, "failed": 0, "total": None}


def test_wrong_usage_is_json_too_where_json_is_asked_for(project: ProjectFolder) -> None:
    for words in (["show"], ["priority", "1", "high"], ["ls", "--nosuch"], ["nosuch"]):
        done = cryoloom(*words, "--json")

        assert done.returncode == 2
        error = json.loads(done.stdout)["error"]
        assert {*error} == {"where", "found", "expected", "hint"} and error["found"] in done.stderr
    assert error["where"] == "cryoloom" and "nosuch" in error["found"]


def test_new_and_simulate_print_nothing_but_json_where_it_is_asked_for(tmp_path: Path) -> None:
    made = json.loads(cryoloom("new", str(tmp_path / "p"), "--json").stdout)
    again = json.loads(cryoloom("new", str(tmp_path / "p"), "--json").stdout)
    simulated = json.loads(cryoloom("simulate", str(tmp_path / "s"), "--preset", "tiny", "--json").stdout)

    assert made == {"project": str(tmp_path / "p"), "made": True} and not again["made"]
    assert simulated["preset"] == "tiny" and simulated["movies"] == 7


def test_help_tells_every_parameter_of_a_protocol() -> None:
    out = cryoloom("help", "relion.refine3d").stdout

    for word in ("auto_local_sampling", "default 1.8 degrees", "When: use_gpu", "Å", "Outputs:", "half_maps"):
        assert word in out


@pytest.mark.parametrize("kind", [*all_protocols()], ids=lambda kind: kind.name)
def test_help_names_each_input_parameter_and_output_with_label_default_and_condition(
    kind: type[Protocol],
) -> None:
    text = as_text(help_of(kind))

    for spec in (*kind.params.values(), *kind.inputs.values()):
        entry = text.partition(f"  {spec.name}: {spec.label} [")[2]
        assert entry, spec.name
        assert not spec.when or f"When: {spec.when}" in entry
    for param in kind.params.values():
        head = text.partition(f"  {param.name}: {param.label} [")[2].partition("\n")[0]
        assert f"default {relion_text(param.default) or 'empty'}" in head and param.unit in head, param.name
    for output in kind.outputs_declared.values():
        assert f"  {output.name}: {output.label}" in text


def test_new_open_alias_and_version(tmp_path: Path) -> None:
    assert cryoloom("new", str(tmp_path / "p")).returncode == 0
    assert "0 jobs" in cryoloom("open", str(tmp_path / "p")).stdout
    assert cryoloom("--version").stdout.startswith("cryoloom 0.")
    assert "relion_refine" in cryoloom("doctor", "-p", str(tmp_path / "p")).stdout


def test_doctor_ends_with_an_error_where_relion_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    done = cryoloom("doctor", "-p", str(tmp_path))

    assert done.returncode == 1
    assert (
        "MISSING  missing: apt-get install relion; needed by relion.class2d, relion.class3d, " in done.stdout
    )


def test_doctor_looks_for_what_the_protocols_say_that_they_need() -> None:
    found = {check.what for check in diagnose(None).checks}

    assert {program for kind in all_protocols() for program in kind.programs} <= found


def test_a_broken_plugin_is_told_by_doctor_with_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[type[Protocol]]:
        yield from [*all_protocols()][:3]
        raise NameError("name 'numpi' is not defined")

    monkeypatch.setattr("cryoloom.api.doctor.all_protocols", broken)

    checks = {check.what: check for check in diagnose(None).checks}

    assert not checks["protocols"].ok and "NameError: name 'numpi'" in checks["protocols"].found
    assert checks["python"].ok


def test_doctor_finds_a_setting_that_means_nothing_and_one_that_cannot_be(project: ProjectFolder) -> None:
    settings = project.root / ".cryoloom/config.toml"
    settings.write_text('[machine]\ncoers = 2\ncores = "eight"\n[programs.motioncor2]\npath = "/opt/mc2"\n')

    done = cryoloom("doctor", "-p", str(project.root))

    assert done.returncode == 1
    assert f"unknown, in {settings}. Did you mean machine.cores" in done.stdout
    assert "setting machine.cores is 'eight', expected a number" in done.stdout
    assert "setting programs.motioncor2.path" not in done.stdout


def test_every_setting_that_is_asked_for_is_known() -> None:
    source = Path(cryoloom_package.__file__).parent
    asked = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(r"settings\.get\(\s*\"([^\"]+)\"", path.read_text())
    }

    assert len(asked) >= 8
    assert asked <= set(KNOWN)


def test_stopping_what_has_ended_says_so(project: ProjectFolder) -> None:
    cryoloom(
        "run", "import.micrographs", "fn_in_raw=nothing/*.mrc", "stream=No", "--wait", "-p", str(project.root)
    )

    done = cryoloom("stop", "1", "-p", str(project.root))

    assert done.stdout == "Import/job001 has ended already (failed).\n"


def test_waiting_for_a_job_that_fails_ends_with_an_error(project: ProjectFolder) -> None:
    given = ["import.micrographs", "fn_in_raw=nothing/*.mrc", "stream=No"]

    done = cryoloom("run", *given, "--wait", "-p", str(project.root))

    assert done.stdout.count("Import/job001 import.micrographs failed") == 1  # and why, once
    assert done.returncode == 1

    again = cryoloom("resume", "--all", "--wait", "-p", str(project.root))

    assert again.returncode == 1


def test_starting_the_command_or_a_job_loads_no_table_no_chart_and_no_array() -> None:
    code = "import sys, cryoloom, cryoloom.protocol, cryoloom.runner.main, cryoloom.cli.main; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    for heavy in ("polars", "altair", "scipy", "fastapi", "numpy", "pydantic"):
        assert f"'{heavy}'" not in loaded, heavy
