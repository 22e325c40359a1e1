"""A user's program as a job: its code is recorded, its word is not believed, and what it wrote is a dataset like any other."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from particle_sets import run_here

from cryoloom import Job, Project, star
from cryoloom.cli.main import app
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.launchers.machine import usable_cores
from cryoloom.protocol.external import promises_of
from cryoloom.runner.images_named import below

# Keeps the lines of a STAR file's last table whose fifth word is at most a number; knows nothing of Cryoloom.
KEEP = """
import sys
source, target, limit = sys.argv[1], sys.argv[2], float(sys.argv[3])
lines = open(source).read().splitlines()
with open(target, "w") as file:
    for line in lines:
        words = line.split()
        if "@" in line and float(words[4]) > limit:
            continue
        file.write(line + "\\n")
"""


@pytest.fixture
def keep(tmp_path: Path) -> Path:
    """The script, in a git repository of its own where it is committed."""
    folder = tmp_path / "my code"
    folder.mkdir()
    script = folder / "keep.py"
    script.write_text(KEEP)
    git(folder, "init", "-q")
    git(folder, "add", "keep.py")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "one")
    return script


def git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True
    ).stdout


def run(project: Project, words: list[str], *, input: Any, **given: Any) -> Job:
    text = input.name if isinstance(input, Job) else input
    return run_here(project, "external.command", command_line=words, input=text, **given)


def record(job: Job) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((job.folder / "provenance.json").read_text())
    return found


def ids(job: Job, output: str = "") -> list[str]:
    return [str(one) for one in job.dataset(output).table()["cryoloomItemId"].to_list()]


def test_it_runs_by_the_command_line(project: Project, particles: Job, keep: Path) -> None:
    words = f"command_line='{sys.executable}' '{keep}' {{input}} {{kept}} 3"
    args = [
        "run",
        "external.command",
        words,
        "input=1",
        "outputs=kept=particles",
        "--wait",
        "-p",
        str(project.path),
    ]

    done = CliRunner().invoke(app, args, catch_exceptions=False)

    assert done.exit_code == 0 and "External/job002 external.command succeeded" in done.output, done.output
    assert ids(project.job("2"), "kept") == ids(particles)[:3]


def test_rows_that_a_program_kept_are_particles_with_the_ids_that_they_had(
    project: Project, particles: Job, keep: Path
) -> None:
    job = run(
        project,
        [sys.executable, str(keep), "{input}", "{kept}", "3"],
        input=particles,
        outputs="kept=particles",
    )

    assert job.state == "succeeded", job.why
    kept = job.dataset("kept")
    assert (kept.kind, kept.path) == ("particles", "External/job002/kept.star")
    assert ids(job) == ids(particles)[:3]
    optics = kept.optics()
    assert optics is not None and optics["rlnOpticsGroup"].to_list() == [1, 2]
    assert any("3 items: all with the ids that they had" in note for note in job.notes())


def test_what_ran_is_kept_with_its_commit_and_environment(
    project: Project, particles: Job, keep: Path
) -> None:
    words = [sys.executable, str(keep), "{input}", "{result}", "3"]

    clean = record(run(project, words, input=particles))
    keep.write_text(KEEP + "# another line\n")
    changed = run(project, words, input=particles)

    head = git(keep.parent, "rev-parse", "HEAD").strip()
    assert [(one["commit"], one["dirty"]) for one in clean["git"]] == [(head, False)]
    [dirty] = record(changed)["git"]
    assert (dirty["commit"], dirty["dirty"], dirty["changed"]) == (head, True, ["keep.py"])
    assert (changed.folder / "code" / "keep.py").read_text() == keep.read_text()
    assert clean["argv"] == [
        sys.executable,
        str(keep),
        "Import/job001/particles.star",
        "External/job002/result.star",
        "3",
    ]
    assert clean["python"]["packages"]["polars"] == pl.__version__
    assert clean["python"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert any("changes that are not committed (keep.py)" in note for note in changed.notes())


def write_rows(project: Project, name: str, rows: pl.DataFrame, optics: pl.DataFrame | None = None) -> Path:
    blocks = {} if optics is None else {"optics": optics}
    star.write(project.path / name, {**blocks, "particles": rows})
    return project.path / name


def copied(project: Project, rows: pl.DataFrame, particles: Job, *, optics: bool = True) -> Job:
    """A job whose program does nothing but copy this table to where it is promised."""
    write_rows(project, "made.star", rows, particles.dataset().optics() if optics else None)
    return run(project, ["sh", "copy.sh", "{input}", "{result}"], input=particles)


@pytest.fixture(autouse=True)
def copy_script(project: Project) -> None:
    (project.path / "copy.sh").write_text('cp made.star "$2"\n')


def test_a_table_without_optics_and_ids_gets_those_of_the_inputs_by_name(
    project: Project, particles: Job
) -> None:
    table = particles.dataset().table()
    rows = table[[5, 1]].drop("cryoloomItemId")

    job = copied(project, rows, particles, optics=False)

    assert job.state == "succeeded", job.why
    assert ids(job) == [ids(particles)[5], ids(particles)[1]]
    given, own = particles.dataset().optics(), job.dataset().optics()
    assert own is not None and given is not None and own.equals(given)


def test_new_items_get_ids_of_their_own_that_a_restart_gives_again(project: Project, particles: Job) -> None:
    table = particles.dataset().table().drop("cryoloomItemId")
    twice = pl.concat([table[:2], table[:1]])

    job = copied(project, twice, particles)
    first = ids(job)
    project.restart(job)
    project.wait()

    assert first[:2] == ids(particles)[:2] and len({*first}) == 3
    assert ids(job) == first and job.state == "succeeded"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.drop("rlnImageName"), "without rlnImageName, expected particles"),
        (lambda rows: rows[:0], "without a row"),
        (lambda rows: rows.with_columns(rlnOpticsGroup=pl.lit(7)), "rlnOpticsGroup in row 1 is 7"),
        (lambda rows: pl.concat([rows, rows[:1]]), "cryoloomItemId in row 9 is i[0-9a-f]{15}, as in row 1"),
        (lambda rows: rows.with_columns(cryoloomItemId=pl.lit("first")), "row 1 is 'first', expected an id"),
        (lambda rows: rows.with_columns(rlnCtfMaxResolution=pl.lit("nan")), "rlnCtfMaxResolution in data_particles is 'nan'"),
        (
            lambda rows: rows.with_columns(rlnImageName=pl.lit("000009@Import/job001/a.mrcs")),
            "row 1 is image 9 of .*a.mrcs, which has 4",
        ),
        (lambda rows: rows.with_columns(rlnOriginX=pl.lit(3.0)), "rlnOriginX, px, as RELION 3.0 wrote it"),
        (
            lambda rows: rows.with_columns(rlnDetectorPixelSize=pl.lit(5.0), rlnMagnification=pl.lit(5e4)),
            "rlnMagnification in row 1 is 1 Å/px, expected 2, the rlnImagePixelSize of optics group 1",
        ),
        (lambda rows: rows.with_columns(rlnImageName=pl.lit("000001@gone.mrcs")), "gone.mrcs, which is missing"),
        (lambda rows: rows.with_columns(rlnImageName=pl.lit("000001@../x.mrcs")), "leads out of the project"),
    ],
    ids=["label", "empty", "group", "twice", "id", "number", "beyond", "px", "magnification", "missing", "outside"],
)  # fmt: skip
def test_a_table_that_is_no_set_of_particles_fails_the_job_with_the_reason(
    project: Project, particles: Job, change: Any, words: str
) -> None:
    stack = particles.dataset().table()["rlnImageName"][0].partition("@")[2]
    rows = change(particles.dataset().table())
    if "rlnImageName" in rows.columns:
        rows = rows.with_columns(pl.col("rlnImageName").str.replace("Import/job001/a.mrcs", stack))

    job = copied(project, rows, particles)

    assert job.state == "failed"
    assert re.search(words, job.why), job.why


def test_images_of_another_box_need_an_optics_group_of_their_own(project: Project, particles: Job) -> None:
    write_mrc(project.path / "binned.mrcs", np.ones((8, 4, 4), dtype=np.float32), 4.0)
    rows = (
        particles.dataset()
        .table()
        .with_columns(rlnImageName=pl.Series([f"{n:06d}@binned.mrcs" for n in range(1, 9)]))
    )

    job = copied(project, rows, particles)

    assert job.state == "failed" and "an image of 4 x 4 px (binned.mrcs), expected 8 x 8" in job.why


def test_a_program_that_fails_or_writes_nothing_fails_the_job(project: Project, particles: Job) -> None:
    (project.path / "bad.sh").write_text("echo no such luck >&2; exit 3\n")
    (project.path / "idle.sh").write_text("true\n")

    bad = run(project, ["sh", "bad.sh", "{input}", "{result}"], input=particles)
    idle = run(project, ["sh", "idle.sh", "{input}", "{result}"], input=particles)

    assert bad.state == "failed" and "ended with code 3: no such luck" in bad.why
    assert idle.state == "failed" and "output result is missing" in idle.why


def test_what_an_earlier_attempt_wrote_does_not_pass_for_a_result(project: Project, particles: Job) -> None:
    write_rows(project, "made.star", particles.dataset().table(), particles.dataset().optics())
    script = project.path / "once.sh"
    script.write_text(
        'test -e made.star && cp made.star "$2"; exit $(test -e made.star && echo 1 || echo 0)\n'
    )
    job = run(project, ["sh", "once.sh", "{input}", "{result}"], input=particles)
    assert job.state == "failed" and (job.folder / "result.star").exists()

    (project.path / "made.star").unlink()
    job.resume().wait(60, check=False)

    assert job.state == "failed" and "output result is missing" in job.why
    assert (job.folder / ".cryoloom/attempts/0002/earlier/result.star").exists()
    # Nor is it code: a word of the command that names it is what the program writes.
    assert [Path(one["path"]).name for one in record(job)["code"]] == ["once.sh"]


def test_no_word_is_seen_by_a_shell_and_none_is_a_format_string(project: Project, particles: Job) -> None:
    (project.path / "say.py").write_text(
        "import sys; open(sys.argv[1] + 'said.txt', 'w').write('\\n'.join(sys.argv[2:]))\n"
    )
    words = ["$HOME", "`ls`", "a; rm x", "*", "{0.__class__}", "{input.path}", "%s", ""]

    job = run(
        project,
        [sys.executable, "say.py", "{job}", *words],
        input=particles,
        outputs={"said": "file:said.txt"},
    )

    assert job.state == "succeeded", job.why
    assert (job.folder / "said.txt").read_text().split("\n") == words


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (["true", "{inptu}", "{result}"], {}, r"{inptu}, which stands for nothing.*Did you mean input"),
        (["true", "--i={input}", "{result}"], {}, r"{input} within the word --i={input}"),
        (["true", "{result}"], {}, r"without {input}"),
        (["no_such_program", "{job}"], {}, "no_such_program, which is not installed"),
        (["python3", "keeep.py", "{job}"], {}, r"keeep.py, which is missing.*It counts from"),
        (["./made.star", "{job}"], {}, r"which may not be executed.*chmod \+x"),
        ("sh 'open {job}", {}, "quotes closed"),
        ("", {}, "a program and its arguments"),
        (["true", "{job}"], {"outputs": "kept=partikles"}, "Did you mean particles"),
        (["true", "{job}"], {"outputs": "kept=particles:../x.star"}, "the file ../x.star"),
        (["true", "{job}"], {"outputs": "kept=particles:journal.jsonl"}, "not the job's own"),
        (["true", "{job}"], {"outputs": "map=volume:map.star"}, "ends with .mrc"),
        (["true", "{job}"], {"outputs": "job=volume"}, "mean something else"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_asked_for(
    project: Project, particles: Job, words: Any, given: dict[str, str], said: str
) -> None:
    (project.path / "made.star").touch()
    with pytest.raises(ParameterError, match=said):
        project.run("external.command", command_line=words, input=particles, **given)
    assert [job.name for job in project.jobs()] == ["Import/job001"]


def test_a_map_has_to_be_a_cube_with_a_pixel_size_and_something_in_it(project: Project) -> None:
    noise = np.random.default_rng(1).normal(size=(8, 8, 8)).astype(np.float32)
    write_mrc(project.path / "good.mrc", noise, 2.0, is_volume=True)
    write_mrc(project.path / "flat.mrc", noise[:4], 2.0, is_volume=True)
    write_mrc(project.path / "zero.mrc", np.zeros_like(noise), 2.0, is_volume=True)
    (project.path / "take.sh").write_text('cp "$1" "$2"\n')

    jobs = [
        run(project, ["sh", "take.sh", "{input}", "{map}"], input=f"{name}.mrc", outputs="map=volume")
        for name in ("good", "flat", "zero")
    ]

    assert [job.state for job in jobs] == ["succeeded", "failed", "failed"]
    assert jobs[0].dataset().kind == "volume" and jobs[0].dataset().volume().angpix == 2
    assert "8 x 8 x 4 px, expected a cube" in jobs[1].why and "map with 0 in each voxel" in jobs[2].why


def test_it_is_restarted_and_copied_as_any_job(project: Project, particles: Job, keep: Path) -> None:
    job = run(
        project,
        [sys.executable, str(keep), "{input}", "{kept}", "3"],
        input=particles,
        outputs="kept=particles",
    )

    project.restart(job)
    [copy] = project.copy(job, command_line=[sys.executable, str(keep), "{input}", "{kept}", "5"], start=True)
    project.wait()

    assert (job.state, copy.state) == ("succeeded", "succeeded")
    assert (len(job.dataset()), len(copy.dataset())) == (3, 5)


def test_threads_that_are_auto_are_those_of_this_machine_and_said(project: Project, particles: Job) -> None:
    (project.path / "say.sh").write_text('echo "$2" > "$1said.txt"\n')
    job = run(
        project, ["sh", "say.sh", "{job}", "{threads}"], input=particles, outputs="said=file:said.txt", nr_threads="auto"
    )  # fmt: skip

    cores = usable_cores()
    expected = cores - (cores >= 4)  # one is kept for streams then
    assert (job.folder / "said.txt").read_text() == f"{expected}\n"
    assert job.params["nr_threads"] == expected and f"auto: nr_threads={expected}" in job.notes()
    assert f"auto: nr_threads={expected}" in (job.folder / "note.txt").read_text()


def test_the_half_of_an_earlier_attempt_is_no_half_of_this_one(project: Project) -> None:
    noise = np.random.default_rng(1).normal(size=(8, 8, 8)).astype(np.float32)
    write_mrc(project.path / "one.mrc", noise, 1.0, is_volume=True)
    write_mrc(project.path / "two.mrc", noise[::-1].copy(), 1.0, is_volume=True)
    (project.path / "halves.sh").write_text(
        'cp one.mrc "$1"; test -e two.mrc || exit 0; cp two.mrc $(echo "$1" | sed s/half1/half2/); exit 1\n'
    )
    job = run_here(
        project, "external.command", command_line=["sh", "halves.sh", "{h}"], outputs="h=half_maps"
    )
    assert job.state == "failed" and "ended with code 1" in job.why

    (project.path / "two.mrc").unlink()
    job.resume().wait(60, check=False)

    assert job.state == "failed" and "h_half2_class001_unfil.mrc is missing" in job.why


def test_an_argument_may_be_longer_than_a_file_s_name(project: Project, particles: Job) -> None:
    write_rows(project, "made.star", particles.dataset().table(), particles.dataset().optics())
    code = "import sys, shutil; " + "done = False; " * 30 + "shutil.copy('made.star', sys.argv[2])"

    job = run(project, [sys.executable, "-c", code, "{input}", "{result}"], input=particles)

    assert job.state == "succeeded", job.why


@pytest.mark.parametrize(
    "outputs",
    [
        "a=particles:x.star, b=micrographs:x.star",
        "a=particles:x.star, b=micrographs:./x.star",
        "a=half_maps:half1.mrc, b=volume:half2.mrc",
        "a=coordinates, b=table:coordinates_a.star",
        "a=coordinates:coordinates_a.star",
        "a=table:./job.star",
        "a=file:.",
        "a=file:code/x.py",
        "a=file:RELION_JOB_EXIT_FAILURE",
    ],
)
def test_each_output_has_a_file_that_is_nobody_else_s(outputs: str) -> None:
    with pytest.raises(
        ParameterError, match=r"expected (?:a file of its own|one below the job|another name)"
    ):
        promises_of(outputs, "outputs")


def test_a_folder_of_the_project_may_be_called_as_the_one_that_holds_it() -> None:
    items = pl.DataFrame({"rlnImageName": ["1@Import/job001/data/x.mrcs", "2@/data/y.mrcs"]})

    named = below(Path("/data"), items, "rlnImageName", "x.star")

    assert named["rlnImageName"].to_list() == ["1@Import/job001/data/x.mrcs", "2@y.mrcs"]
