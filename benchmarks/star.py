"""STAR files: Cryoloom beside its peers, on particle files as RELION 3.1 writes them.

Usage: star.py [--rows N [N ...]] [--rounds N]. Peers come with `pip install 'cryoloom[benchmarks]'`;
one that is missing is left out. Each tool and task runs in a process of its own, imports not
counted; tools take turns, round by round, and medians of CPU seconds are printed, with the ratio to
Cryoloom's, and the peak of memory while reading, above the start.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

THREE = ["rlnDefocusU", "rlnDefocusV", "rlnMicrographName"]
TASKS = ["read", "three columns", "write", "append"]
BATCHES = 1000

Task = Callable[[], object]


def make_particles(path: Path, rows: int) -> None:
    """27 columns: coordinates, CTF, poses, names and small integers, in RELION's own layout."""
    import numpy as np

    columns: dict[str, tuple[str, float]] = {
        "rlnCoordinateX": ("f", 4000), "rlnCoordinateY": ("f", 4000), "rlnAutopickFigureOfMerit": ("f", 5),
        "rlnClassNumber": ("d", 50), "rlnAnglePsi": ("f", 360), "rlnImageName": ("image", 0),
        "rlnMicrographName": ("micrograph", 0), "rlnOpticsGroup": ("d", 1), "rlnCtfMaxResolution": ("f", 8),
        "rlnCtfFigureOfMerit": ("f", 1), "rlnDefocusU": ("f", 30000), "rlnDefocusV": ("f", 30000),
        "rlnDefocusAngle": ("f", 180), "rlnCtfBfactor": ("f", 0), "rlnCtfScalefactor": ("f", 1),
        "rlnPhaseShift": ("f", 0), "rlnGroupNumber": ("d", 400), "rlnAngleRot": ("f", 360),
        "rlnAngleTilt": ("f", 180), "rlnOriginXAngst": ("f", 10), "rlnOriginYAngst": ("f", 10),
        "rlnNormCorrection": ("f", 1), "rlnLogLikeliContribution": ("e", 1e6),
        "rlnMaxValueProbDistribution": ("f", 1), "rlnNrOfSignificantSamples": ("d", 100),
        "rlnRandomSubset": ("d", 2), "rlnBeamTiltX": ("f", 1),
    }  # fmt: skip
    random = np.random.default_rng(1)
    with path.open("w") as file:
        file.write("\n# version 30001\n\ndata_optics\n\nloop_ \n_rlnOpticsGroup #1 \n_rlnVoltage #2 \n")
        file.write("           1   300.000000 \n \n\n# version 30001\n\ndata_particles\n\nloop_ \n")
        for number, label in enumerate(columns, start=1):
            file.write(f"_{label} #{number} \n")
        for row in range(rows):
            drawn = iter(random.random(len(columns)).tolist())
            words = []
            for kind, size in columns.values():
                value = next(drawn) * size
                micrograph = f"Movies/20170629_{row // 300:05d}_frameImage.mrc"
                words.append({
                    "f": f"{value:12.6f}", "e": f"{value:12.6e}", "d": f"{int(value) + 1:12d}",
                    "image": f"{row % 300 + 1:06d}@Extract/job018/{micrograph}s",
                    "micrograph": f"MotionCorr/job002/{micrograph}",
                }[kind])  # fmt: skip
            file.write(" ".join(words) + " \n")


def of_cryoloom(source: Path, target: Path) -> dict[str, Task]:
    import polars as pl

    from cryoloom import star

    def table() -> pl.DataFrame:
        block = star.read(source)["particles"]
        assert isinstance(block, pl.DataFrame)
        return block

    def append(batches: list[pl.DataFrame]) -> None:
        star.open_growing(target, {}, "particles", batches[0].columns)
        for batch in batches:
            star.append(target, batch)

    def prepare() -> None:
        held.append(table())
        step = max(held[0].height // BATCHES, 1)
        held.extend(held[0][start : start + step] for start in range(0, step * BATCHES, step))

    held: list[pl.DataFrame] = []  # all of it, then in batches
    return {
        "prepare": prepare,
        "read": table,
        "three columns": lambda: star.read(source, blocks=["particles"], columns=THREE),
        "write": lambda: star.write(target, {"particles": held[0]}),
        "append": lambda: append(held[1:]),
    }


def of_emtable(source: Path, target: Path) -> dict[str, Task]:
    from emtable import Table

    def table() -> object:
        return Table(fileName=str(source), tableName="particles")

    def three() -> list[tuple[object, ...]]:
        rows = Table.iterRows(f"particles@{source}")
        return [tuple(getattr(row, name) for name in THREE) for row in rows]

    def append(whole: "Table") -> None:
        rows = list(whole)
        step = max(len(rows) // BATCHES, 1)
        with target.open("w") as file:
            writer = Table.Writer(file)
            writer.writeTableName("particles")
            writer.writeHeader(whole.getColumns())
        for start in range(0, step * BATCHES, step):
            with target.open("a") as file:
                writer = Table.Writer(file)
                for row in rows[start : start + step]:
                    writer.writeRow(row)

    held: list[Table] = []
    return {
        "prepare": lambda: held.append(table()),
        "read": table,
        "three columns": three,
        "write": lambda: held[0].write(str(target), tableName="particles"),
        "append": lambda: append(held[0]),
    }


def of_starfile(source: Path, target: Path) -> dict[str, Task]:
    import starfile

    held: list[object] = []
    return {
        "prepare": lambda: held.append(starfile.read(source)["particles"]),
        "read": lambda: starfile.read(source),
        "three columns": lambda: starfile.read(source)["particles"][THREE],
        "write": lambda: starfile.write({"particles": held[0]}, target, overwrite=True),
    }


def of_starfile_rs(source: Path, target: Path) -> dict[str, Task]:
    import starfile_rs

    held: list[object] = []
    return {
        "prepare": lambda: held.append(starfile_rs.read_star(source)["particles"].to_polars()),
        "read": lambda: starfile_rs.read_star(source)["particles"].to_pandas(),
        "three columns": lambda: starfile_rs.read_star(source)["particles"].to_polars()[THREE],
        "write": lambda: starfile_rs.as_star({"particles": held[0]}).write(target),
    }


def of_gemmi(source: Path, target: Path) -> dict[str, Task]:
    from gemmi import cif

    def three() -> list[list[str]]:
        block = cif.read(str(source)).find_block("particles")
        return [list(block.find_loop(f"_{name}")) for name in THREE]

    held: list[object] = []
    return {
        "prepare": lambda: held.append(cif.read(str(source))),
        "read": lambda: cif.read(str(source)),  # words only: no number is made
        "three columns": three,
    }


TOOLS: dict[str, Callable[[Path, Path], dict[str, Task]]] = {
    "cryoloom": of_cryoloom,
    "emtable": of_emtable,
    "starfile": of_starfile,
    "starfile_rs": of_starfile_rs,
    "gemmi": of_gemmi,
}


def one(tool: str, task: str, source: Path, target: Path) -> None:
    """In a process of its own: print CPU seconds and peak memory above the start, in MB."""
    small = target.with_name("small.star")
    make_particles(small, 10)
    TOOLS[tool](small, target)["read"]()  # libraries that are imported late
    tasks = TOOLS[tool](source, target)
    if task in ("write", "append"):
        tasks["prepare"]()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = peak_mb()
    began = time.process_time()
    result = tasks[task]()
    cpu = time.process_time() - began
    print(json.dumps([cpu, peak_mb() - before]))
    del result


def peak_mb() -> float:
    """The largest resident memory since it was last cleared."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1e3


def measure(rows: int, rounds: int, folder: Path) -> None:
    """Measure all tools on a file of so many rows, and print the table."""
    source, target = folder / f"particles_{rows}.star", folder / "written.star"
    make_particles(source, rows)
    with source.open("rb") as file:
        while file.read(1 << 24):  # nobody's first reading comes from the disk
            pass
    tools = [name for name in TOOLS if importlib.util.find_spec(name)]
    figures: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for task in TASKS:
            for tool in tools:
                if task not in TOOLS[tool](source, target) or (task == "append" and rows > 100_000):
                    continue
                done = subprocess.run(
                    [sys.executable, __file__, "--one", tool, task, str(source), str(target)],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                figures.setdefault((tool, task), []).append(tuple(json.loads(done.stdout)))
    print(f"\n{rows:,} rows of 27 columns, {source.stat().st_size / 1e6:.0f} MB, median of {rounds}\n")
    print(
        "| tool | " + " | ".join(f"{task}, s (times ours)" for task in TASKS) + " | memory of reading, MB |"
    )
    print("| --- |" + " --- |" * (len(TASKS) + 1))
    for tool in tools:
        cells = []
        for task in TASKS:
            ours, theirs = figures.get(("cryoloom", task)), figures.get((tool, task))
            if not ours or not theirs:
                cells.append("")
                continue
            ratio = statistics.median(b[0] / a[0] for a, b in zip(ours, theirs, strict=True))
            cells.append(f"{statistics.median(figure[0] for figure in theirs):.3f} ({ratio:.1f})")
        memory = statistics.median(figure[1] for figure in figures[tool, "read"])
        name = f"{tool} {importlib.metadata.version(tool.replace('_', '-'))}"
        print(f"| {name} | " + " | ".join(cells) + f" | {memory:.0f} |")
    source.unlink()


def main() -> None:
    """Read the command line."""
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", nargs="+", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            measure(rows, options.rounds, Path(folder))


if __name__ == "__main__":
    main()
