"""Scripts of sites: each form is filled with the job's values, and asks for nothing in silence."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from cryoloom.errors import LaunchError
from cryoloom.launchers.adopting import adopted
from cryoloom.launchers.allocation import renumbered
from cryoloom.launchers.machine import this_machine
from cryoloom.launchers.site import minutes_of
from cryoloom.launchers.systems import SYSTEMS
from cryoloom.launchers.templates import Filling, filled
from cryoloom.project.settings import Settings

FILLING = Filling(
    ("python3", "shepherd.py", "/data/My Project/a"), "job012.1a2b3c4", "Class2D/job012", "/data/My Project", "/p/out",
    "/p/err", ranks=3, threads=4, nodes=2, memory_mb=6144, gpus=2, queue="gpu", walltime_min=90, user="ada",
)  # fmt: skip
COMMAND = "python3 shepherd.py '/data/My Project/a'"


def test_relion_s_script_is_filled_and_starts_the_command_once() -> None:
    text = "#PBS -l nodes=XXXnodesXXX:ppn=XXXdedicatedXXX -q XXXqueueXXX\n  mpiexec -n XXXmpinodesXXX  XXXcommandXXX > x\n"

    assert filled(text, FILLING, "f") == f"#PBS -l nodes=2:ppn=6 -q gpu\n  {COMMAND} > x\n"


def test_cryosparc_s_script_is_filled() -> None:
    text = (
        "#SBATCH --job-name cryosparc_{{ project_uid }}_{{ job_uid }}\n#SBATCH -n {{ num_cpu }}\n"
        "#SBATCH --gres=gpu:{{ num_gpu }}\n#SBATCH --mem={{ (ram_gb*1000)|int }}M\n#SBATCH -o {{ job_log_path_abs }}\n"
        "{% if num_gpu > 0 %}module load cuda{% endif %}\n\n{{ run_cmd }}\n"
    )

    said = filled(text, FILLING, "f")
    assert (
        "#SBATCH -n 12\n#SBATCH --gres=gpu:2\n#SBATCH --mem=6000M\n#SBATCH -o /p/out\nmodule load cuda"
        in said
    )
    assert said.endswith(f"\n{COMMAND}\n")
    assert "module load" not in filled(text, replace(FILLING, gpus=0), "f")


def test_scipion_s_script_is_filled() -> None:
    text = "#SBATCH -J %_(JOB_NAME)s -t %_(JOB_HOURS)d:00:00 --mem=%_(JOB_MEMORY)s\n%_(JOB_COMMAND)s\n"

    said = filled(text, replace(FILLING, extra={"JOB_MEMORY": "8G"}), "f")
    assert said == f"#SBATCH -J job012.1a2b3c4 -t 2:00:00 --mem=8G\n{COMMAND}\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [("XXXextra2XXX XXXcommandXXX", "extra2"), ("{{ account }} {{ command }}", "account"),
     ("%_(JOB_MEMORY)s %_(JOB_COMMAND)s", "JOB_MEMORY")],
)  # fmt: skip
def test_what_nobody_gave_is_named(text: str, name: str) -> None:
    with pytest.raises(LaunchError, match=f"asks for {name}, .*--batch {name}="):
        filled(text, FILLING, "site.sh")


def test_no_value_can_add_a_line() -> None:
    with pytest.raises(LaunchError, match="one line"):
        filled("{{ queue }} {{ command }}", replace(FILLING, queue="gpu\nrm -rf"), "f")


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_own_script_of_each_system_asks_for_what_the_job_takes(system: str) -> None:
    said = filled(SYSTEMS[system].template, FILLING, system)
    asked = {
        "slurm": ["--nodes=2", "--ntasks=3", "--cpus-per-task=4", "--mem=6144M", "--gres=gpu:2", "--partition=gpu", "--time=90",
                  "--signal=B:USR1@120"],
        "pbs": ["-l select=2:ncpus=6:mpiprocs=2:mem=6144mb:ngpus=2", "-q gpu", "-l walltime=01:30:00"],
        "sge": ["-pe smp 12", "-l gpu=2", "-q gpu", "-l h_rt=01:30:00", "-notify"],
        "lsf": ["-n 12", '-R "span[ptile=6]"', "-M 6144", '-gpu "num=2"', "-q gpu", "-W 90", "-wa USR1"],
    }[system]  # fmt: skip
    lines = said.splitlines()

    assert lines[0] == "#!/bin/bash"
    assert all(any(line.endswith(f" {one}") for line in lines) for one in asked), said
    assert lines[-1] == f"exec {COMMAND}"
    assert not [line for line in lines[1:-1] if not line.startswith("#")]
    bare = filled(SYSTEMS[system].template, replace(FILLING, gpus=0, queue="", walltime_min=0), system)
    assert not [word for word in ("gpu", "USR1", "walltime", "h_rt") if word in bare]


def test_answers_are_read_as_the_systems_give_them() -> None:
    slurm = SYSTEMS["slurm"]()
    told = slurm.told(
        "12|PENDING|Priority|(null)|job001.a\n13|RUNNING|None|node7|job002.b\n14|NODE_FAIL|NodeDown|node1|x|y\n"
    )
    assert {id: (name, one.standing, one.reason) for id, (name, one) in told.items()} == {
        "12": ("job001.a", "queued", "Priority"), "13": ("job002.b", "running", ""), "14": ("x|y", "over", "NodeDown"),
    }  # fmt: skip
    assert [
        slurm.id_of(said)
        for said in ("Welcome to Alps\n123;alps\n", "sbatch: error: 12 is no partition\n", "")
    ] == ["123", "", ""]

    pbs = SYSTEMS["pbs"]()
    told = pbs.told(
        "Job Id: 41.head\n    Job_Name = job003.c\n    job_state = H\n    comment = Not Running: waits for a\n\t reason\n"
        "Job Id: 42.head\n    Job_Name = job004.d\n    job_state = F\n    exec_host = n3/0*4\n"
    )
    assert told["41.head"][1].standing == "queued"
    assert told["41.head"][1].reason == "Not Running: waits for a reason"
    assert told["42.head"] == ("job004.d", told["42.head"][1]) and told["42.head"][1].standing == "over"
    assert pbs.id_of("41.head\n") == "41.head"

    sge = SYSTEMS["sge"]()
    told = sge.told(
        "<?xml version='1.0'?><job_info><queue_info><job_list state='running'><JB_job_number>7</JB_job_number>"
        "<JB_name>job005.e</JB_name><state>r</state><queue_name>all.q@n1</queue_name></job_list></queue_info><job_info>"
        "<job_list state='pending'><JB_job_number>8</JB_job_number><JB_name>f</JB_name><state>Eqw</state></job_list>"
        "</job_info></job_info>"
    )
    assert {id: (one.standing, one.reason) for id, (_, one) in told.items()} == {
        "7": ("running", ""), "8": ("queued", "in error"),
    }  # fmt: skip

    lsf = SYSTEMS["lsf"]()
    told = lsf.told("55|PEND|-|Job's requirements | not met;|job006.g\n56|EXIT|hostA|-|job007.h\n")
    assert told["55"][0] == "job006.g" and told["55"][1].reason == "Job's requirements|not met;"
    assert told["56"][1].standing == "over"
    assert lsf.id_of("Job <55> is submitted to queue <normal>.\n") == "55"


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("", 0),
        ("90", 90),
        ("24:00:00", 1440),
        ("1-12:00", 2160),
        ("36h", 2160),
        ("00:00:30", 1),
        ("1.5h", 90),
    ],
)
def test_a_walltime_is_given_as_people_write_it(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes


def test_a_walltime_that_is_none_is_refused() -> None:
    with pytest.raises(LaunchError, match="24:00:00"):
        minutes_of("a day")


def test_cryosparc_s_lane_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "cluster_script.sh").write_text(
        "#SBATCH --mem={{ ram_gb }}G -A {{ account }}\n{{ run_cmd }}\n"
    )
    info = tmp_path / "cluster_info.json"
    info.write_text(
        json.dumps(
            {
                "name": "alps",
                "qsub_cmd_tpl": "sbatch {{ script_path_abs }}",
                "send_cmd_tpl": "ssh head {{ command }}",
            }
        )
    )

    found = adopted(info)
    assert found.values == {
        "system": "slurm",
        "template": str(tmp_path / "cluster_script.sh"),
        "submit": "ssh head sbatch",
    }
    assert found.questions == ("account",)
    assert any("sent by 'ssh head'" in line for line in found.said)


def test_scipion_s_hosts_come_with_their_queues_and_questions(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.conf"
    hosts.write_text(
        "[localhost]\nPARALLEL_COMMAND = mpirun -np %_(JOB_NODES)d %_(COMMAND)s\nSUBMIT_COMMAND = sbatch %_(JOB_SCRIPT)s\n"
        "SUBMIT_TEMPLATE = #!/bin/bash\n\t#SBATCH -p %_(JOB_QUEUE)s\n\t#SBATCH --mem=%_(JOB_MEMORY)s\n\t%_(JOB_COMMAND)s\n"
        'QUEUES = {"gpu": [["JOB_MEMORY", "8192", "Memory (MB)", "how much"]], "cpu": []}\n'
    )

    found = adopted(hosts)
    assert found.values == {"system": "slurm", "queue": "gpu", "extra.JOB_MEMORY": "8192"}
    assert found.template.splitlines()[-1] == "%_(JOB_COMMAND)s"
    assert filled(found.template, replace(FILLING, extra={"JOB_MEMORY": "8192"}), "f").endswith(COMMAND)


def test_a_script_that_would_never_start_the_job_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.sh").write_text("#!/bin/bash\n#SBATCH -n 4\nrelion_refine\n")

    with pytest.raises(LaunchError, match="without a place for the command"):
        adopted(tmp_path / "x.sh")


@pytest.mark.parametrize(
    ("given", "there"), [("2,3:6", "0,1:2"), ("1:1:0", "0:0:1"), ("0:1", "0:1"), ("", "")]
)
def test_gpus_are_counted_from_0_in_an_allocation(given: str, there: str) -> None:
    assert renumbered(given) == there


def test_the_settings_of_the_workstation_say_nothing_of_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        {"machine.cores": (1, "here"), "machine.gpus": ("none", "here"), "limits.relion": (2, "here")}
    )
    assert this_machine(settings).cores == 1
    monkeypatch.setenv("CRYOLOOM_ALLOCATION", "1")
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", str(len(os.sched_getaffinity(0))))
    assert this_machine(settings).cores == len(os.sched_getaffinity(0))
    assert this_machine(settings).limits == {"relion": 2}
