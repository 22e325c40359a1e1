"""A project is what its folders say; looking changes nothing; nothing is lost."""

import hashlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.attempts import make_attempt
from cryoloom.project.deleting import delete_jobs
from cryoloom.project.events import AttemptStarted, ItemsDone
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.journal import JournalWriter, read_history
from cryoloom.project.jsonfile import write_json
from cryoloom.project.processes import boot_id, start_ticks
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.project.relion_lock import LOCK, OWNER, relion_lock
from cryoloom.project.settings import load_settings, unknown_settings
from cryoloom.project.workflows.file import read_workflow
from cryoloom.protocol.datasets import Particles

MOVIES = {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}


def test_a_new_job_has_a_number_a_folder_and_a_row(project: ProjectFolder) -> None:
    entry = project.create_job("import.movies", MOVIES, {})

    assert entry.name == "Import/job001"
    assert {"job.json", "job.star", "job_pipeline.star"} <= {path.name for path in entry.folder.iterdir()}
    pipeline = pipe.read_pipeline(project.root)
    assert pipeline.counter == 2
    assert pipeline.processes == [pipe.Process("Import/job001/", "None", 0, pipe.SCHEDULED)]
    assert pipeline.outputs_of("Import/job001") == [("Import/job001/movies.star", 0)]
    assert (project.root / ".Nodes" / "0" / "Import/job001/movies.star").exists()


def test_the_pipeline_file_is_read_and_written_without_a_change(project: ProjectFolder) -> None:
    project.create_job("import.movies", MOVIES, {}, alias="mine")
    text = (project.root / pipe.FILE).read_text()

    assert pipe.read_pipeline(project.root).text() == text


def test_ids_are_repeatable_from_a_seed_and_random_without(tmp_path: Path) -> None:
    ids = []
    for name, seed in (("a", 1), ("b", 1), ("c", None), ("d", None)):
        entry = ProjectFolder.create(tmp_path / name, seed=seed).create_job("import.movies", MOVIES, {})
        assert entry.spec is not None
        ids.append(entry.spec.id)

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_an_input_is_found_by_job_number_alias_output_and_file(project: ProjectFolder) -> None:
    project.create_job("import.movies", MOVIES, {}, alias="session1", label="tonight")
    spec = find_protocol("relion.motioncorr").inputs["input_star_mics"]

    for text in (
        "Import/job001",
        "job001",
        "1",
        "session1",
        "Import/session1",
        "tonight",
        "1:movies",
        "Import/job001/movies.star",
    ):
        found = resolve_input(project, spec, text, "relion.motioncorr")
        assert (found.path, found.job, found.output) == (
            "Import/job001/movies.star",
            "Import/job001",
            "movies",
        ), text


def test_a_workflow_s_name_that_several_jobs_bear_is_ambiguous(project: ProjectFolder) -> None:
    project.create_job("import.movies", MOVIES, {}, label="movies")
    project.create_job("import.movies", MOVIES, {}, label="movies")

    with pytest.raises(ProjectError, match="ambiguous \\(Import/job001, Import/job002\\)"):
        project.entry("movies")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Import/job001", "which gives movies (movies), expected a job that gives particles"),
        ("job009", "neither a job nor a file"),
        ("first_movie", "Did you mean first_movies?"),
        ("/etc/hostname", "a file outside the project"),
        ("1:kept", "expected one of its outputs: movies"),
        ("map.mrc", "expected a file of kind particles"),
    ],
)
def test_an_input_of_the_wrong_kind_is_refused_in_a_sentence(
    project: ProjectFolder, text: str, said: str
) -> None:
    project.create_job("import.movies", MOVIES, {}, alias="first_movies")
    (project.root / "map.mrc").touch()

    with pytest.raises(ParameterError) as caught:
        resolve_input(project, find_protocol("relion.class2d").inputs["fn_img"], text, "relion.class2d")
    assert said in str(caught.value)


def test_a_deleted_job_lies_in_the_trash_with_those_that_need_it(project: ProjectFolder) -> None:
    first = project.create_job("import.movies", MOVIES, {}, alias="mine")
    movies = first.outputs()["movies"]
    project.create_job("relion.motioncorr", {}, {"input_star_mics": movies})

    assert list(delete_jobs(project, ["mine"], dependents=True)) == ["Import/job001", "MotionCorr/job002"]
    assert (project.root / "Trash/Import/job001/job.json").exists()
    assert (project.root / "Trash/MotionCorr/job002/job.json").exists()
    assert project.entries() == []
    assert project.create_job("import.movies", MOVIES, {}).name == "Import/job003"


def test_a_dead_owner_s_lock_is_broken_and_a_living_one_s_is_not(project: ProjectFolder) -> None:
    lock = project.root / LOCK
    lock.mkdir()
    import socket

    (lock / OWNER).write_text(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "start": 1}))
    with relion_lock(project.root, patience_s=5):
        assert lock.exists()
    assert not lock.exists()

    lock.mkdir()
    mine = {"host": socket.gethostname(), "pid": os.getpid(), "start": start_ticks(os.getpid())}
    (lock / OWNER).write_text(json.dumps(mine))
    with pytest.raises(ProjectError, match="rm -r"), relion_lock(project.root, patience_s=0.2):
        pass


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_lock_that_its_maker_never_wrote_into_is_broken_after_a_while(
    project: ProjectFolder, is_begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryoloom.project.relion_lock.EMPTY_S", 0.2)
    lock = project.root / LOCK
    lock.mkdir()
    if is_begun:
        (lock / OWNER).touch()

    with relion_lock(project.root, patience_s=5):
        assert (lock / OWNER).read_text()

    assert not lock.exists()
    # RELION's own words are not ours to judge.
    lock.mkdir()
    (lock / OWNER).write_text("mainRead")
    with pytest.raises(ProjectError, match="a RELION program"), relion_lock(project.root, patience_s=0.5):
        pass


def test_a_job_whose_process_is_gone_says_so_and_who_can_help(project: ProjectFolder) -> None:
    entry = project.create_job("import.movies", MOVIES, {})
    attempt = make_attempt(entry.folder)
    assert attempt is not None
    gone = subprocess.Popen(["true"])
    claim = {"host": socket.gethostname(), "boot": boot_id(), "pid": gone.pid, "start": 1}
    gone.wait()
    write_json(attempt / "claim", claim)

    status = entry.status()
    assert status.state == "running"
    assert "`cryoloom resume` goes on with it" in status.why

    claim |= {"pid": os.getpid(), "start": start_ticks(os.getpid())}
    write_json(attempt / "claim", claim)
    assert entry.status().why == ""

    # Another machine's process cannot be seen from here.
    write_json(attempt / "claim", claim | {"host": "elsewhere", "pid": gone.pid})
    assert entry.status().why.startswith("on elsewhere")


def test_a_torn_line_of_the_journal_does_not_count_and_is_cut_off(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 1)
    writer.write(AttemptStarted())
    writer.write(ItemsDone(items=["i1"], failed=[{"item": "i2", "name": "b", "why": "broken"}], outputs={}))
    writer.close()
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"seq": 2, "kind": "items.do')

    history = read_history(tmp_path)
    again = JournalWriter(tmp_path, 2)
    again.write(AttemptStarted())
    again.close()

    assert list(history.done) == ["i1"]
    assert history.failed == {"i2": ("b", "broken")}
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [0, 1, 2]


def test_a_journal_read_in_pieces_is_the_same_as_read_at_once(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 1)
    history = None
    for number in range(5):
        writer.write(ItemsDone(items=[f"i{number}"], failed=[], outputs={}))
        history = read_history(tmp_path, history)
    writer.close()

    assert history is not None
    assert list(history.done) == list(read_history(tmp_path).done) == [f"i{n}" for n in range(5)]


def test_a_setting_comes_from_the_nearest_source_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    for folder, path in (("user/cryoloom", "/user"), ("p/.cryoloom", "/project")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "config.toml").write_text(
            f'[programs.relion]\npath = "{path}"\nmodules = ["a"]\n'
        )

    assert load_settings(None, {}).get("programs.relion.path") == "/user"
    assert load_settings(tmp_path / "p", {}).get("programs.relion.path") == "/project"
    found = load_settings(tmp_path / "p", {"CRYOLOOM_PROGRAMS__RELION__PATH": "/env"})
    assert found.values["programs.relion.path"] == (
        "/env",
        "environment variable CRYOLOOM_PROGRAMS__RELION__PATH",
    )
    assert found.get("programs.relion.modules") == ["a"]
    assert load_settings(None, {"CRYOLOOM_LIMITS__RELION": "4"}).get("limits.relion") == 4
    misspelt = load_settings(None, {"CRYOLOOM_MACHINE__COERS": "8", "CRYOLOOM_TEST_DATA": "data"})
    assert unknown_settings(misspelt) == ["machine.coers"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[programs.relion]\npath = 3", r"programs.relion.path is 3, expected text"),
        ("[programs.relion]\nmodules = 'a'", "programs.relion.modules is 'a', expected a list of names"),
        ("environment = 'A=1'", "environment is 'A=1', expected a table"),
        ("[scheduler]\nidle_s = 'long'", "scheduler.idle_s is 'long', expected seconds"),
    ],
)
def test_a_setting_of_the_wrong_type_is_told_where_it_stands(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / ".cryoloom").mkdir()
    (tmp_path / ".cryoloom" / "config.toml").write_text(line)

    with pytest.raises(ProjectError, match=f"config.toml: {said}"):
        load_settings(tmp_path, {})
    assert load_settings(None, {"CRYOLOOM_PROGRAMS__RELION__PATH": "3"}).get("programs.relion.path") == "3"


def test_a_broken_setting_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".cryoloom").mkdir()
    (tmp_path / ".cryoloom" / "config.toml").write_text("[programs\n")

    with pytest.raises(ProjectError, match=r"config\.toml is not usable .*line 1"):
        load_settings(tmp_path, {})


def test_a_workflow_s_placeholders_are_filled_with_their_types(tmp_path: Path) -> None:
    content = {
        "format": 1,
        "placeholders": {
            "angpix": {"type": "float", "default": 1.5},
            "movies": {"type": "str", "help": "the movies"},
        },
        "jobs": [
            {
                "name": "m",
                "protocol": "import.movies",
                "params": {"angpix": "${angpix}", "fn_in_raw": "a/${movies}"},
            }
        ],
    }
    (tmp_path / "w.json").write_text(json.dumps(content))

    workflow = read_workflow(tmp_path / "w.json", {"movies": "x.mrc"})

    assert workflow.jobs[0].params == {"angpix": 1.5, "fn_in_raw": "a/x.mrc"}
    with pytest.raises(ParameterError, match="--set movies=VALUE"):
        read_workflow(tmp_path / "w.json", {})
    with pytest.raises(ParameterError, match="Did you mean angpix"):
        read_workflow(tmp_path / "w.json", {"angpx": "1"})


def test_a_job_of_an_older_version_with_a_parameter_that_is_gone_still_opens(project: ProjectFolder) -> None:
    entry = project.create_job("import.movies", MOVIES, {})
    spec = json.loads((entry.folder / "job.json").read_text())
    spec["params"]["no_longer_there"] = 5
    (entry.folder / "job.json").write_text(json.dumps(spec))

    assert project.entry("1").make_protocol().values["angpix"] == 1.0


@pytest.mark.shared
def test_relion_s_tutorial_project_is_looked_at_without_changing_a_byte(
    shared_data: Path, tmp_path: Path
) -> None:
    from cryoloom import Project

    (tmp_path / "t").mkdir()
    archive = shared_data / "relion31_tutorial" / "relion_tutorial_files.tar.xz"
    subprocess.run(["tar", "xJf", str(archive), "-C", str(tmp_path / "t")], check=True)
    before = fingerprint(tmp_path / "t")
    time.sleep(0.01)

    project = Project(tmp_path / "t")
    jobs = project.jobs()
    shown = {
        job.name: (dict(job.params), job.summary().state, [block.name for block in job.views()])
        for job in jobs
    }

    assert len(jobs) == 31
    assert {state for _, state, _ in shown.values()} == {"succeeded"}
    assert shown["Class2D/job008"][0]["nr_classes"] == "50"
    assert {"fsc", "guinier", "resolution"} <= set(shown["PostProcess/job030"][2])
    assert "motion" in shown["MotionCorr/job002"][2]
    assert "ctf" in shown["CtfFind/job003"][2]
    assert "2.82 Å" in str(project.job("PostProcess/shiny").view("resolution").look())
    made = {summary.name: summary.made for summary in project.summaries()}
    assert made["MotionCorr/job002"] == "24 micrographs" and made["AutoPick/job011"] == "9482 picks"
    assert made["Class2D/job008"] == "1158 particles, 50 classes"
    assert made["Refine3D/job029"] == "4501 particles, 2.84 Å" and made["PostProcess/job030"] == "2.82 Å"
    assert isinstance(project.job("Extract/job018").dataset().ref, Particles)
    assert len(project.job("Extract/job018").dataset()) == 4501
    assert fingerprint(tmp_path / "t") == before


def fingerprint(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    } | {
        str(path): ("", path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_dir() and not path.is_symlink()
    }


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('"1"', r'format is "1", text, expected a whole number, 1.*without quotes: "format": 1'),
        ("1.5", "format is 1.5, a number with a point, expected a whole number"),
        ("true", "format is true, no number, expected a whole number"),
        ("2", "of format 2, expected format 1 or older. A newer Cryoloom wrote it"),
    ],
)
def test_a_format_that_is_none_is_told_for_what_it_is(tmp_path: Path, written: str, said: str) -> None:
    file = tmp_path / "w.json"
    file.write_text(f'{{"format": {written}, "jobs": []}}')

    with pytest.raises(ProjectError, match=said):
        read_workflow(file, {})
