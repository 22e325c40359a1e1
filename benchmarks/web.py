"""How long the page waits for its server: a table of millions of rows, a gallery of a hundred thousand images.

Usage: web.py [--rows N] [--images N] [--box PX]. A real server in a process of its own is asked what the page asks, over one
kept connection, with no round trip and with one of 50 ms (waited for before each request, as a distant network would let it).
Medians of five, each at another place of the set; beside them the target, of which the page's own drawing takes its share.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import polars as pl

from cryoloom import Project, star
from cryoloom.api.recent import key_of
from cryoloom.images.mrc import write_mrc

TIMES = 5
ROUND_TRIPS_S = (0.0, 0.05)
A_STACK = 1000  # images
A_PAGE = 60  # items, as the page asks for them


@dataclass
class Server:
    """A server, asked as the page asks it."""

    connection: http.client.HTTPConnection
    token: str
    process: "subprocess.Popen[str]"
    round_trip_s: float = 0.0

    def ask(self, method: str, path: str, said: Any = None) -> bytes:
        time.sleep(self.round_trip_s)
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        body = None if said is None else json.dumps(said)
        self.connection.request(method, f"/api/{path}", body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        assert answer.status < 300, (path, answer.status, data[:500])
        return data

    def memory_mb(self) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmHWM:")[2].split()[0]) / 1024


def served(project: Path) -> Server:
    process = subprocess.Popen(
        [sys.executable, "-m", "cryoloom", "serve", str(project), "--no-browser", "--port", "0"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "#token=" in line:
            address, _, token = line.strip().partition("#token=")
            parts = urlsplit(address)
            return Server(
                http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300), token, process
            )
    raise SystemExit("the server printed no link")


def made_table(project: Project, rows: int) -> None:
    """A job whose output has so many particles, written over what it made: a job's own run is not measured."""
    random = np.random.default_rng(1)
    frame = pl.DataFrame({
        "rlnImageName": [f"{n % A_STACK + 1:06d}@stacks/{n // A_STACK % 100:03d}.mrcs" for n in range(rows)],
        "rlnMicrographName": [f"MotionCorr/job002/Movies/m{n // 300:05d}.mrc" for n in range(rows)],
        "rlnOpticsGroup": np.ones(rows, np.int64),
        "rlnClassNumber": random.integers(1, 51, rows),
        **{name: np.round(random.uniform(low, high, rows), 6) for name, low, high in (
            ("rlnCoordinateX", 0, 4000), ("rlnCoordinateY", 0, 4000), ("rlnDefocusU", 5e3, 3e4), ("rlnDefocusV", 5e3, 3e4),
            ("rlnAngleRot", -180, 180), ("rlnAngleTilt", 0, 180), ("rlnAnglePsi", -180, 180),
            ("rlnAutopickFigureOfMerit", 0, 1), ("rlnMaxValueProbDistribution", 0, 1), ("rlnCtfMaxResolution", 3, 6),
        )},
        "cryoloomItemId": [f"i{n:015x}" for n in range(rows)],
    })  # fmt: skip
    with project.external("made", outputs={"result": "particles"}) as job:
        job.write("result", frame.head(10), optics=_OPTICS)
    star.write(project.jobs()[-1].dataset().file, {"optics": _OPTICS, "particles": frame})


_OPTICS = pl.DataFrame({
    "rlnOpticsGroup": [1], "rlnOpticsGroupName": ["one"], "rlnImagePixelSize": [2.0], "rlnImageSize": [64],
    "rlnImageDimensionality": [2], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
})  # fmt: skip


def made_stacks(project: Project, images: int, box: int) -> None:
    (project.path / "stacks").mkdir()
    random = np.random.default_rng(1)
    for number in range(-(-images // A_STACK)):
        write_mrc(
            project.path / f"stacks/{number:03d}.mrcs",
            random.normal(size=(A_STACK, box, box)).astype(np.float32),
            2.0,
        )


def medians(server: Server, what: Callable[[int], object]) -> Iterator[float]:
    """Of several calls with each round trip; each call is told which it is, and asks for something else."""
    turn = 0
    for server.round_trip_s in ROUND_TRIPS_S:
        taken = []
        for _ in range(TIMES):
            began = time.perf_counter()
            what(turn)
            taken.append(time.perf_counter() - began)
            turn += 1
        yield statistics.median(taken)


def told(name: str, server: Server, what: Callable[[int], object], target_s: float) -> None:
    near, far = medians(server, what)
    print(f"{name:<58}{near:8.3f} s {far:8.3f} s {f'{target_s:8.1f} s' if target_s else ''}", flush=True)


def once(name: str, what: Callable[[], object]) -> None:
    began = time.perf_counter()
    what()
    print(f"{name:<58}{time.perf_counter() - began:8.3f} s", flush=True)


def of_table(server: Server, base: str, rows: int) -> None:
    found: dict[str, Any] = {}

    def ask(what: str, **said: Any) -> None:
        server.ask("POST", f"{base}/{what}", {"stamp": found["stamp"], **said})

    def lines(**said: Any) -> None:
        ask("rows", columns=found["first"], count=A_PAGE, **said)

    def opened() -> None:
        found.update(json.loads(server.ask("GET", base)))
        lines()

    once(f"table of {rows:,} rows: opened, its first lines there", opened)
    names = [
        "rlnDefocusU",
        "rlnMaxValueProbDistribution",
        "rlnAutopickFigureOfMerit",
        "rlnCtfMaxResolution",
        "rlnClassNumber",
    ]
    for name in names:  # a column of a large file is read when it is first asked for
        ask("tally", rule=f"{name} > 0")
    told(
        "sorted by what it was not sorted by before", server,
        lambda n: lines(sort=names[n % 5], descending=n >= 5), 0.5,
    )  # fmt: skip
    two = "rlnDefocusU > {} and rlnMaxValueProbDistribution > 0.5"
    told("a rule over two columns, counted", server, lambda n: ask("tally", rule=two.format(10_000 + n)), 0.5)
    told(
        "what a rule keeps, sorted: its first lines", server,
        lambda n: lines(rule=f"rlnDefocusU > {10_000 + n}", show="kept", sort="rlnDefocusU"), 0.5,
    )  # fmt: skip
    told(
        "lines from the middle of a sorted table", server,
        lambda n: lines(sort="rlnDefocusU", start=rows // 2 + 977 * n), 0.1,
    )  # fmt: skip
    told(
        "histogram of a column, all and kept", server,
        lambda n: ask("histogram", column="rlnDefocusU", rule=f"rlnCtfMaxResolution < {4 + n / 100}"), 0.5,
    )  # fmt: skip
    axes = {"x": "rlnDefocusU", "y": "rlnCtfMaxResolution"}
    told(
        "one column over another, in fields", server,
        lambda n: ask("points", **axes, rule=f"rlnCtfMaxResolution < {4 + n / 100}"), 0.0,
    )  # fmt: skip


def of_gallery(server: Server, base: str, images: int) -> None:
    found: dict[str, Any] = {}

    def page(start: int, sort: str) -> None:
        lines = json.loads(server.ask("POST", f"{base}/rows", {
            "stamp": found["stamp"], "start": start, "count": A_PAGE, "columns": found["first"], "sort": sort}))  # fmt: skip
        query = {"stamp": found["stamp"], "rows": ",".join(map(str, lines["rows"])), "size": 128}
        assert server.ask("GET", f"{base}/sheet.jpg?{urlencode(query)}")[:2] == b"\xff\xd8"

    def first(turn: int) -> None:
        found.update(json.loads(server.ask("GET", base)))
        page(0, "")

    once(f"gallery of {images:,}: opened, its first images there", lambda: first(0))
    told("opened again, its first images there", server, first, 0.5)

    def jump(turn: int, sort: str) -> None:
        page((turn * 37_123) % (images - A_PAGE), sort)

    told("a jump: other images there", server, lambda n: jump(n, ""), 0.4)
    page(0, "rlnDefocusU")
    told("a jump while sorted: images of many stacks", server, lambda n: jump(n, "rlnDefocusU"), 0.4)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--box", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        project = Project.create(Path(folder) / "p")
        made_stacks(project, options.images, options.box)
        made_table(project, options.images)
        made_table(project, options.rows)
        server = served(project.path)
        try:
            print(f"{'':<58}{'0 ms':>10} {'50 ms':>10} {'target':>10}")
            base = f"projects/{key_of(project.path)}/jobs"
            of_gallery(server, f"{base}/1/datasets/result", options.images)
            server.round_trip_s = 0.0
            of_table(server, f"{base}/2/datasets/result", options.rows)
            print(f"{'memory of the server, at most':<58}{server.memory_mb():8.0f} MB")
        finally:
            server.process.terminate()
            server.process.wait(20)


if __name__ == "__main__":
    main()
