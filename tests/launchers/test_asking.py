"""What is asked of a batch system is what the job will use; what is the site's to say is left to it."""

import pytest

from cryoloom.launchers.asking import Asks, asks_of
from cryoloom.launchers.batch import filling_of
from cryoloom.launchers.site import Site, site_of
from cryoloom.launchers.systems import SYSTEMS
from cryoloom.project.registry import find_protocol
from cryoloom.project.settings import Settings

CONTROL = {"memory_gb": 0, "batch": {}}


def asks(name: str, **values: object) -> Asks:
    control = CONTROL | {key: values.pop(key) for key in CONTROL if key in values}
    return asks_of(find_protocol(name)(values, {}), control)


@pytest.mark.parametrize(
    ("given", "ranks", "threads"),
    [
        ({"nr_mpi": 3, "nr_threads": 4}, 3, 4),
        ({"nr_mpi": 5, "nr_threads": 8}, 5, 8),
        ({"nr_mpi": "auto", "nr_threads": "auto"}, 0, 0),
        ({"nr_mpi": "auto", "nr_threads": 8}, 0, 8),
        ({"nr_mpi": 5, "nr_threads": "auto"}, 5, 0),
    ],
)
def test_ranks_and_threads_are_the_job_s(given: dict[str, object], ranks: int, threads: int) -> None:
    found = asks("relion.refine3d", **given)

    assert (found.ranks, found.threads) == (ranks, threads)


def test_batches_side_by_side_have_cores_of_their_own() -> None:
    one = asks("relion.motioncorr", nr_threads=6)
    three = asks("relion.motioncorr", nr_threads=6, workers=3)

    assert (one.ranks, one.threads) == (1, 6)
    assert (three.ranks, three.threads) == (3, 6)


@pytest.mark.parametrize(
    ("given", "gpus"),
    [
        ({}, 0),
        ({"use_gpu": "Yes"}, None),
        ({"use_gpu": "Yes", "gpu_ids": "0,1:0,1"}, 2),
        ({"use_gpu": "Yes", "gpu_ids": "2:3:5"}, 3),
    ],
)
def test_gpus_are_counted_and_not_named(given: dict[str, object], gpus: int | None) -> None:
    assert asks("relion.class2d", **given).gpus == gpus


def test_a_wish_for_memory_counts_whatever_it_is() -> None:
    site = Site("s", SYSTEMS["slurm"](), "", memory_gb=16)
    from pathlib import Path

    attempt = Path("/p/Class2D/job001/.cryoloom/attempts/0001")

    assert filling_of(site, asks("relion.class2d", memory_gb=2), attempt, "n").memory_mb == 2048
    assert filling_of(site, Asks(), attempt, "n").memory_mb == 16 * 1024
    assert filling_of(site, Asks(gpus=None), attempt, "n").gpus == 1
    assert filling_of(site, Asks(), attempt, "n").job == "Class2D/job001"


def test_a_launcher_tells_all_that_is_wrong_with_it() -> None:
    wrong = {"system": "slrm", "queu": "x", "memory_gb": "lots", "walltime": "a day", "template": "/nowhere"}
    settings = Settings({f"launchers.gpu.{key}": (value, "here") for key, value in wrong.items()})

    with pytest.raises(Exception, match=r"(?s)queu is unknown.*memory_gb.*slrm.*/nowhere.*a day") as caught:
        site_of(settings, "gpu", {})
    assert "cryoloom" in type(caught.value).__module__


def test_relion_s_own_variables_are_a_launcher(tmp_path) -> None:  # type: ignore[no-untyped-def]
    script = tmp_path / "qsub.sh"
    script.write_text("#SBATCH -p XXXqueueXXX --mem=XXXextra1XXX\nXXXcommandXXX\n")
    environ = {
        "RELION_QSUB_TEMPLATE": str(script), "RELION_QSUB_COMMAND": "sbatch", "RELION_QUEUE_NAME": "em",
        "RELION_QSUB_EXTRA1": "Memory", "RELION_QSUB_EXTRA1_DEFAULT": "8G",
    }  # fmt: skip

    site = site_of(Settings({}), "relion", environ)
    assert (site.system.name, site.queue, dict(site.extra)) == ("slurm", "em", {"extra1": "8G"})
