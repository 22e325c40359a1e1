"""A batch system's answers that are odd, late or none: what was taken is not submitted again, and what is sent is clean."""

import json
import os
import sys
from pathlib import Path

import pytest

from cryoloom.api.launchers import add, rendered
from cryoloom.errors import LaunchError, ParameterError, ProjectError
from cryoloom.launchers import batch
from cryoloom.launchers.batch import Batch
from cryoloom.launchers.commands import OF_HOST
from cryoloom.launchers.launcher import Silent
from cryoloom.launchers.site import Site, of_relion, site_of
from cryoloom.launchers.surroundings import for_batch_system
from cryoloom.launchers.systems import SYSTEMS
from cryoloom.project.settings import Settings, load_settings


@pytest.fixture
def attempt(tmp_path: Path) -> Path:
    folder = tmp_path / "p/Class2D/job001/.cryoloom/attempts/0001"
    folder.mkdir(parents=True)
    (folder / "command.json").write_text(json.dumps({"token": "1a2b3c4d", "asks": {}, "of_host": OF_HOST}))
    return folder


class Faulty:
    """Programs in PATH that answer as the test says, and write down each submission."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    def program(self, name: str, says: str, code: int = 0) -> None:
        path = self.folder / name
        path.write_text(
            f"#!{sys.executable}\nimport os, sys, json\n"
            f"open({str(self.folder / name)!r} + '.log', 'a').write(json.dumps([sys.argv[1:], dict(os.environ)]) + '\\n')\n"
            f"print({says!r}, file=sys.stdout if {code} == 0 else sys.stderr)\nsys.exit({code})\n"
        )
        path.chmod(0o755)

    def asked(self, name: str) -> list[tuple[list[str], dict[str, str]]]:
        log = self.folder / f"{name}.log"
        return [tuple(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Faulty:
    return Faulty(tmp_path / "bin", monkeypatch)


def slurm(**more: object) -> Batch:
    return Batch(Site("gpu", SYSTEMS["slurm"](), SYSTEMS["slurm"].template, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("system", "said", "id"),
    [("slurm", "Submitted batch job 77", "77"), ("slurm", "Submitted batch job 78 on cluster alps", "78"),
     ("sge", 'Your job 12 ("job001.a") has been submitted', "12")],
)  # fmt: skip
def test_an_id_is_read_also_where_the_site_s_own_command_says_it_in_a_sentence(
    system: str, said: str, id: str
) -> None:
    assert SYSTEMS[system]().id_of(f"Welcome!\n{said}\n") == id


def test_what_was_taken_without_an_id_is_found_by_its_name(attempt: Path, faulty: Faulty) -> None:
    faulty.program("sbatch", "thank you")
    faulty.program("squeue", "5|PENDING|Priority||job001.1a2b3c4")

    assert slurm().submit(attempt) == "5"
    assert len(faulty.asked("sbatch")) == 1


def test_what_was_taken_without_an_id_and_is_nowhere_is_refused_with_what_was_said(
    attempt: Path, faulty: Faulty
) -> None:
    faulty.program("sbatch", "thank you")
    faulty.program("squeue", "")

    with pytest.raises(LaunchError, match="thank you"):
        slurm().submit(attempt)


def test_one_whose_answer_was_lost_is_looked_for_and_not_submitted_again(
    attempt: Path, faulty: Faulty
) -> None:
    faulty.program("sbatch", "Unable to contact slurm controller (connect failure)", 1)
    with pytest.raises(Silent):
        slurm().submit(attempt)
    faulty.program("squeue", "9|RUNNING|None|n1|job001.1a2b3c4")

    assert slurm().submit(attempt) == "9"  # by a scheduler that knows nothing of the first try
    assert len(faulty.asked("sbatch")) == 1


def test_one_that_an_earlier_scheduler_submitted_and_that_is_forgotten_is_over_after_the_grace(
    attempt: Path, faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.program("squeue", "3|PENDING|Priority||x")
    clock = [100.0]
    monkeypatch.setattr(batch.time, "monotonic", lambda: clock[0])
    launcher = slurm(poll_s=1, grace_s=30)

    def asked() -> dict[str, str]:
        found = {}
        for _ in range(2):  # a question, and its answer
            clock[0] += 2
            found = dict(launcher.poll(["3", "4"]))
            if launcher.question is not None:
                launcher.question.process.wait()
        clock[0] += 0.1
        return dict(launcher.poll(["3", "4"])) or found

    assert asked() == {"3": "queued", "4": "queued"}
    clock[0] += 40
    assert asked() == {"3": "queued", "4": "over"}
    faulty.program("squeue", "slurmdbd: connection refused", 1)
    clock[0] += 400
    assert asked() == {"3": "queued", "4": "over"}  # no answer changes nothing
    assert "connection refused" in launcher.said_of("3")


def test_what_the_scheduler_s_shell_had_exported_is_not_sent_along(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"OMP_NUM_THREADS": "64", "RELION_SCRATCH_DIR": "/ssd", "SLURM_JOB_ID": "1", "SLURM_NTASKS": "1",
                       "SLURM_CONF": "/etc/s.conf", "SGE_ROOT": "/sge", "MODULEPATH": "/m"}.items():  # fmt: skip
        monkeypatch.setenv(name, text)

    sent = for_batch_system(os.environ)
    assert not {"OMP_NUM_THREADS", "RELION_SCRATCH_DIR", "SLURM_JOB_ID", "SLURM_NTASKS"} & sent.keys()
    assert {"SLURM_CONF", "SGE_ROOT", "MODULEPATH", "PATH", "HOME"} <= sent.keys()


def test_relion_s_own_command_keeps_its_options(tmp_path: Path) -> None:
    (tmp_path / "q.sh").write_text("XXXcommandXXX\n")
    environ = {"RELION_QSUB_TEMPLATE": str(tmp_path / "q.sh"), "RELION_QSUB_COMMAND": "sbatch --account=em"}

    assert of_relion(environ)["submit"] == "sbatch --account=em"
    assert site_of(Settings({}), "relion", environ).submit == ("sbatch", "--account=em")


def test_a_template_that_is_given_from_here_is_found_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.sh").write_text("{{ command }}\n")
    add("gpu", None, {"system": "slurm", "template": "q.sh"})
    monkeypatch.chdir("/")

    assert site_of(load_settings(None), "gpu").template == "{{ command }}\n"
    with pytest.raises(ProjectError, match=r"template q\.sh .*whole path"):
        site_of(
            Settings({"launchers.a.system": ("slurm", "f"), "launchers.a.template": ("q.sh", "f")}), "a", {}
        )


@pytest.mark.parametrize("name", ["ranks", "gpus"])
def test_a_trial_of_what_is_no_number_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    add("gpu", None, {"system": "slurm"})

    with pytest.raises(ParameterError, match=f"{name} is 'two'"):
        rendered(tmp_path, "gpu", {name: "two"})
