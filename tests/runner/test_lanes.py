"""GPUs are dealt out among the workers of an item job, one batch on each at a time."""

import itertools

import pytest

from cryoloom import Project
from cryoloom.runner.batches import gpu_shares


@pytest.mark.parametrize(
    ("listed", "workers", "shares"),
    [
        (["0", "1"], 2, [["0"], ["1"]]),
        (["0", "1", "2", "3"], 2, [["0", "1"], ["2", "3"]]),
        (["0", "1"], 5, [["0"], ["1"]]),
        (["0", "0"], 2, [["0"], ["0"]]),
        (["3"], 1, [["3"]]),
        ([], 3, [[]]),
    ],
)
def test_each_worker_has_its_part_of_the_list(
    listed: list[str], workers: int, shares: list[list[str]]
) -> None:
    assert gpu_shares(listed, workers) == shares


@pytest.mark.slow
def test_two_jobs_never_use_one_gpu_at_the_same_time(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("CRYOLOOM_MACHINE__GPUS", "0,1")
    monkeypatch.setenv("CRYOLOOM_MACHINE__CORES", "8")
    project = Project.create(tmp_path / "p", seed=1)
    mark = tmp_path / "marks"
    source = project.run("loomtest.tick", items=5, rate=1000).wait(60)
    common = {
        "input": source,
        "batch_size": 1,
        "seconds": 0.1,
        "use_gpu": True,
        "mark": str(mark),
        "other_args": "{GPU}",
    }
    jobs = [project.run("loomtest.stage", gpu_ids="0", **common) for _ in range(2)]
    other = project.run("loomtest.stage", gpu_ids="1", **common)
    for job in (*jobs, other):
        job.wait(60)

    ends = [line.split() for line in mark.read_text().splitlines()]
    on_0 = sorted(int(end) for end, gpu in ends if gpu == "0")
    assert len(on_0) == 10 and len(ends) == 15
    # Each batch sleeps for 0.1 s and then says when it ended: two on one card would end closer together.
    assert min(later - earlier for earlier, later in itertools.pairwise(on_0)) > 0.09e9


@pytest.mark.slow
def test_batches_run_side_by_side_each_on_its_own_gpu(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("CRYOLOOM_MACHINE__GPUS", "0,1")
    project = Project.create(tmp_path / "p", seed=1)
    mark = tmp_path / "marks"
    source = project.run("loomtest.tick", items=12, rate=1000).wait(60)
    job = project.run(
        "loomtest.stage", input=source, batch_size=1, seconds=0.05, use_gpu=True, gpu_ids="0,1",
        other_args="{GPU}", mark=str(mark),
    ).wait(60)  # fmt: skip

    assert job.state == "succeeded", job.why
    gpus = [line.split()[1] for line in mark.read_text().splitlines()]
    assert len(gpus) == 12
    assert set(gpus) == {"0", "1"}
    assert min(gpus.count("0"), gpus.count("1")) >= 3
    assert job.dataset().table()["cryoloomItemId"].n_unique() == 12
