"""A job's environment is that of the settings, whoever started the scheduler."""

from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.errors import ProjectError
from cryoloom.launchers.surroundings import inherited, variables
from cryoloom.project.settings import Settings, load_settings

# Of the attempt and of the folder.
OWN = ("CRYOLOOM_ATTEMPT", "PWD", "OLDPWD", "_")


def environment_of_a_program(folder: Path) -> dict[str, str]:
    """What a program of a new project gets, whose scheduler is started by this process."""
    project = Project.create(folder)
    (folder / ".cryoloom").mkdir(exist_ok=True)
    (folder / ".cryoloom/config.toml").write_text('[environment]\nLICENCE = "a server"\nDEPTH = 3\n')
    job = project.run("loomtest.environment").wait(60)
    assert job.state == "succeeded", job.why
    pairs = (job.folder / "environment").read_text().split("\0")
    return {
        name: text for name, _, text in (pair.partition("=") for pair in pairs) if name and name not in OWN
    }


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_schedulers_that_different_shells_start_give_programs_one_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Vienna")
    for name, text in {"OMP_NUM_THREADS": "7", "RELION_SCRATCH_DIR": "/scratch/a", "DEPTH": "9"}.items():
        monkeypatch.setenv(name, text)
    first = environment_of_a_program(tmp_path / "first")
    for name, text in {"OMP_NUM_THREADS": "1", "OMPI_MCA_btl": "tcp", "CUDA_VISIBLE_DEVICES": "3"}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("RELION_SCRATCH_DIR")

    second = environment_of_a_program(tmp_path / "second")

    assert first == second
    assert not {"RELION_SCRATCH_DIR", "OMPI_MCA_btl", "CUDA_VISIBLE_DEVICES"} & second.keys()
    assert (second["LICENCE"], second["DEPTH"], second["TZ"]) == ("a server", "3", "Europe/Vienna")


def test_the_words_of_a_batch_system_pass_within_its_job_and_nowhere_else() -> None:
    environ = {"SLURM_CONF": "/etc/slurm.conf", "CUDA_VISIBLE_DEVICES": "2", "HOME": "/home/anna"}

    assert inherited(environ) == {"HOME": "/home/anna"}
    assert inherited(environ | {"SLURM_JOB_ID": "17"}) == environ | {"SLURM_JOB_ID": "17"}


@pytest.mark.parametrize("found", ["A=b", {"A": ["b"]}, {"A": True}])
def test_a_setting_of_the_environment_that_is_none_is_refused_by_name(found: object) -> None:
    with pytest.raises(ProjectError, match=r"setting environment.* of config.toml"):
        variables(Settings({"environment": (found, "config.toml")}), "environment")


def test_the_project_s_table_replaces_that_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    for folder, text in (("user/cryoloom", "A = 1"), ("p/.cryoloom", "B = 2")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "config.toml").write_text(f"[environment]\n{text}\n")

    assert variables(load_settings(tmp_path / "p"), "environment") == {"B": "2"}
