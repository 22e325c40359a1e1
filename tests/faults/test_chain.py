"""Hundreds of kills of anything in a streaming chain: results are those of an undisturbed run, each item once.

`CRYOLOOM_KILLS=2000 pytest tests/faults/test_chain.py` for more of them; the seed is printed.
"""

import os
import random
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from faults.killing import kill_at_random, left_behind

from cryoloom import Project
from cryoloom.engine.calling import ensure_scheduler
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("CRYOLOOM_KILLS", "200"))
ITEMS = KILLS + KILLS // 2  # so that to the last kill there is something to do
FIRST, EVERY = ITEMS // 3, ITEMS // 4


class Chain:
    """import → three item protocols → join (of the first and the last) → trigger."""

    def __init__(self, folder: Path, raw: Path) -> None:
        self.project = Project.create(folder, seed=7)
        self.source = self.project.run(
            "import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=1.0, stream=True, file_timeout=0.1
        )
        more = {"seconds": 0.1, "batch_size": 2}
        self.a = self.project.run("loomtest.stage", input=self.source, letter="a", bad="m0007", **more)
        self.b = self.project.run("loomtest.stage", input=self.a, letter="b", workers=2, **more)
        self.c = self.project.run("loomtest.stage", input=self.b, letter="c", **more)
        self.joined = self.project.run("sets.join", input=[self.a, self.c], keep="all")
        self.cut = self.project.run("sets.trigger", input=self.joined, first=FIRST, every=EVERY, nr_sets=2)

    def end(self) -> None:
        """No more will come: what was interrupted goes on, to the end."""
        self.source.stop(stream=True)
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            self.project.resume()
            if all(one.state == "succeeded" for one in self.project.wait(timeout_s=20)):
                return
        raise AssertionError([(s.name, s.state, s.why) for s in self.project.summaries()])

    def table(self, job: str, output: str = "") -> pl.DataFrame:
        return self.project.job(job).dataset(output).table()


def write_raw(raw: Path, number: int) -> None:
    write_mrc(raw / f".m{number:04d}", np.eye(16, dtype=np.float32) + np.float32(number), 1.0)
    (raw / f".m{number:04d}").rename(raw / f"m{number:04d}.mrc")


def test_nothing_is_lost_or_doubled_whatever_is_killed(tmp_path: Path) -> None:
    seed = int(os.environ.get("CRYOLOOM_SEED", "20"))
    print(f"CRYOLOOM_SEED={seed}")
    chance = random.Random(seed)
    raw = tmp_path / "raw"
    raw.mkdir()
    write_raw(raw, 0)
    chain = Chain(tmp_path / "p", raw)
    written = 1

    def go_on(has_killed: bool) -> None:
        nonlocal written
        if written < ITEMS and (has_killed or chance.random() < 0.1):
            write_raw(raw, written)
            written += 1
        # A server would start the scheduler again; a user takes up what was given up.
        ensure_scheduler(chain.project.path)
        if chance.random() < 0.3:
            chain.project.resume()

    killed = kill_at_random(chain.project.path, chance, KILLS, (0.02, 0.2), go_on)
    for number in range(written, ITEMS):
        write_raw(raw, number)
    # The import has to see the last files before it is told that no more will come.
    deadline = time.monotonic() + 120
    while len(chain.source.entry.status().history.done) < ITEMS and time.monotonic() < deadline:
        chain.project.resume()
        time.sleep(0.5)
    chain.end()

    assert sum(killed.values()) >= KILLS, killed
    assert all(killed.values()), killed
    movies = chain.table(chain.source.name)
    ids = set(movies["cryoloomItemId"].to_list())
    assert len(ids) == movies.height == ITEMS
    bad = set(movies.filter(pl.col("rlnMicrographName").str.contains("m0007"))["cryoloomItemId"].to_list())
    for job, way in ((chain.a, "a"), (chain.b, "ab"), (chain.c, "abc")):
        table = chain.table(job.name)
        assert table.height == ITEMS - 1, (job.name, job.entry.status().history.failed)
        assert set(table["cryoloomItemId"].to_list()) == ids - bad
        assert set(table["loomtestWay"].to_list()) == {way}
    assert set(chain.a.entry.status().history.failed) == bad
    joined = chain.table(chain.joined.name, "kept")
    assert joined.group_by("cryoloomItemId").len()["len"].to_list() == [2] * (ITEMS - 1)
    assert joined.select("cryoloomItemId", "loomtestWay").is_unique().all()
    parts = [chain.table(chain.cut.name, name) for name in ("set1", "set2", "rest")]
    assert [part.height for part in parts] == [FIRST, EVERY, 2 * (ITEMS - 1) - FIRST - EVERY]
    together = pl.concat([part.select("cryoloomItemId", "loomtestWay") for part in parts])
    assert together.is_unique().all()
    assert left_behind(chain.project.path) == []
