"""Set operations: Cryoloom's jobs, from files to files, beside Scipion's sets.

Usage: sets.py [--rows N] [--rounds N]. Scipion wants numpy below 2: an environment of its own has
`pip install -e . scipion-pyworkflow scipion-em`; without it our times stand alone. Each tool and task runs in a
process of its own; imports and the making of the inputs are not counted. Medians of CPU seconds, wall seconds, the
peak of memory, and the ratio.

Of Scipion the steps of its protocols (ProtUnionSet, ProtSubSet, ProtSetFilter) are run, without a project: its
job start is not counted; ours (journal, header, log) is.
"""

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TASKS = ["join", "subset", "filter", "intersect", "one column"]
BELOW = 15000.0  # Å of defocus: the filter's limit


def make_ours(root: Path, rows: int) -> None:
    """Two sets of particles whose second half and first half are the same."""
    import numpy as np
    import polars as pl

    from cryoloom import star
    from cryoloom.project.folder import ProjectFolder

    ProjectFolder.create(root)
    (root / "Sets").mkdir()
    random = np.random.default_rng(1)
    optics = pl.DataFrame(
        {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnVoltage": [300.0], "rlnImagePixelSize": [1.0],
         "rlnMicrographOriginalPixelSize": [1.0]}
    )  # fmt: skip
    reals = {
        "rlnAutopickFigureOfMerit": 5.0, "rlnAnglePsi": 360.0, "rlnAngleRot": 360.0, "rlnAngleTilt": 180.0,
        "rlnCtfMaxResolution": 8.0, "rlnCtfFigureOfMerit": 1.0, "rlnDefocusU": 30000.0, "rlnDefocusV": 30000.0,
        "rlnDefocusAngle": 180.0, "rlnCtfBfactor": 0.0, "rlnCtfScalefactor": 1.0, "rlnPhaseShift": 0.0,
        "rlnOriginXAngst": 10.0, "rlnOriginYAngst": 10.0, "rlnNormCorrection": 1.0, "rlnMaxValueProbDistribution": 1.0,
        "rlnCoordinateX": 4000.0, "rlnCoordinateY": 4000.0, "rlnLogLikeliContribution": 1e6,
    }  # fmt: skip
    columns = {name: np.round(random.random(rows) * size, 6) for name, size in reals.items()}
    for name, most in (("rlnClassNumber", 50), ("rlnGroupNumber", 400), ("rlnNrOfSignificantSamples", 100)):
        columns[name] = random.integers(1, most, rows)
    for file, first in (("a.star", 0), ("b.star", rows // 2)):
        numbers = range(first, first + rows)
        frame = pl.DataFrame(columns).with_columns(
            pl.Series("rlnImageName", [f"{n % 300 + 1:06d}@Extract/job018/Movies/m{n // 300:05d}.mrcs" for n in numbers]),
            pl.Series("rlnMicrographName", [f"MotionCorr/job002/Movies/m{n // 300:05d}.mrc" for n in numbers]),
            pl.Series("cryoloomItemId", [f"i{n:015x}" for n in numbers]),
            rlnOpticsGroup=pl.lit(1), rlnRandomSubset=pl.lit(1),
        )  # fmt: skip
        star.write(root / "Sets" / file, {"optics": optics, "particles": frame})


def ours(root: Path, task: str) -> Callable[[], object]:
    """A job of Cryoloom's, made and ready to run."""
    import numpy.random

    from cryoloom import star
    from cryoloom.project.attempts import make_attempt
    from cryoloom.project.folder import ProjectFolder
    from cryoloom.project.references import resolve_input
    from cryoloom.project.registry import find_protocol
    from cryoloom.protocol.declare import numbered
    from cryoloom.runner import row_job
    from cryoloom.runner.main import run_attempt

    assert numpy.random and row_job  # imports are not counted
    if task == "one column":
        table = star.read(root / "Sets/a.star")["particles"]
        assert not isinstance(table, dict)
        return lambda: table["rlnDefocusU"].to_list()
    name, inputs, values = {
        "join": ("sets.join", {"input": ["Sets/a.star", "Sets/b.star"]}, {}),
        "subset": ("sets.sample", {"input": ["Sets/a.star"]}, {"take": "50%"}),
        "filter": ("sets.filter", {"input": ["Sets/a.star"]}, {"expression": f"rlnDefocusU < {BELOW}"}),
        "intersect": ("sets.intersect", {"input": ["Sets/a.star"], "others": ["Sets/b.star"]}, {}),
    }[task]
    project = ProjectFolder(root)
    kind = find_protocol(name)
    given = {}
    for key, files in inputs.items():
        given |= numbered(key, [resolve_input(project, kind.inputs[key], file, name) for file in files])
    entry = project.create_job(name, values, given)
    attempt = make_attempt(entry.folder)
    assert attempt is not None
    number = int(attempt.name)

    def run() -> None:
        run_attempt(root, entry.name, number)
        assert entry.status().history.state == "succeeded", entry.status().history.why

    return run


def make_scipion(root: Path, rows: int) -> None:
    """The same two sets as Scipion's: CTF, transform, coordinate, acquisition, and RELION's further columns.

    Scipion's importer of STAR files keeps these as attributes of the item, `_rlnClassNumber` and so on.
    """
    from pwem.objects import Acquisition, Coordinate, CTFModel, Particle, SetOfParticles, Transform
    from pyworkflow.object import Float, Integer

    reals = ("AutopickFigureOfMerit", "NormCorrection", "LogLikeliContribution", "MaxValueProbDistribution")
    integers = ("ClassNumber", "GroupNumber", "NrOfSignificantSamples", "RandomSubset")

    for file, first in (("a.sqlite", 0), ("b.sqlite", rows // 2)):
        found = SetOfParticles(filename=str(root / file))
        found.setSamplingRate(1.0)
        for n in range(first, first + rows):
            item = Particle()
            item.setObjId(n + 1)
            item.setLocation(n % 300 + 1, f"Runs/extract/m{n // 300:05d}.mrcs")
            ctf = CTFModel(defocusU=n * 7919 % 30000, defocusV=10000.0, defocusAngle=30.0)
            ctf.setPhaseShift(0.0)
            ctf.setResolution(4.0)
            ctf.setFitQuality(0.1)
            item.setCTF(ctf)
            item.setTransform(Transform())
            item.setAcquisition(Acquisition(voltage=300.0, sphericalAberration=2.7, amplitudeContrast=0.1))
            for name in reals:
                setattr(item, f"_rln{name}", Float(n * 0.37))
            for name in integers:
                setattr(item, f"_rln{name}", Integer(n % 50))
            place = Coordinate(x=n % 4000, y=n % 3999)
            place.setMicId(n // 300 + 1)
            item.setCoordinate(place)
            found.append(item)
        found.write()
        found.close()


def scipion(root: Path, task: str) -> Callable[[], object]:
    """The steps of Scipion's own protocols that do the work; what would tell a project of it is left out."""
    from pwem.objects import SetOfParticles
    from pwem.protocols import ProtSubSet, ProtUnionSet
    from pwem.protocols.protocol_set_filter import ProtSetFilter
    from pyworkflow.object import Pointer

    a, b = (SetOfParticles(filename=str(root / name)) for name in ("a.sqlite", "b.sqlite"))
    if task == "one column":
        return lambda: [item.getCTF().getDefocusU() for item in a]

    class Alone:
        """A protocol without a project."""

        def _createSetOfParticles(self, suffix: str = "") -> Any:
            return SetOfParticles(filename=str(root / f"{task}-{os.getpid()}.sqlite"))

        def _getExtraPath(self, *_: Any) -> str:
            folder = root / f"{task}-{os.getpid()}"
            folder.mkdir(exist_ok=True)
            return str(folder)

        def _defineOutputs(self, **outputs: Any) -> None:
            for one in outputs.values():
                one.write()
                one.close()

        def _defineSourceRelation(self, *_: Any) -> None:
            pass

        _defineTransformRelation = _defineSourceRelation

    if task == "join":
        union = type("Union", (Alone, ProtUnionSet), {})()
        union.inputSets.append(Pointer(value=a))
        union.inputSets.append(Pointer(value=b))
        union.ignoreDuplicates.set(True)
        return union.createOutputStep
    if task == "filter":
        filtered = type("Filtered", (Alone, ProtSetFilter), {})()
        filtered.inputSet.set(a)
        filtered.inputSet.setExtended("outputParticles")
        filtered.inputSet.get = lambda: a
        filtered.formula.set(f"item._ctfModel._defocusU.get() < {BELOW}")
        return filtered.formulaStep
    subset = type("Subset", (Alone, ProtSubSet), {})()
    subset.inputFullSet.set(a)
    subset.inputSubSet.set(b)
    subset.chooseAtRandom.set(task == "subset")
    subset.nElements.set(a.getSize() // 2)
    subset.setOperation.set(ProtSubSet.SET_INTERSECTION)
    return subset.createOutputStep


TOOLS = {"cryoloom": (make_ours, ours), "scipion": (make_scipion, scipion)}


def measure(tool: str, task: str, root: Path) -> None:
    """One task of one tool, in this process: CPU and wall seconds, and the peak of memory, as JSON.

    What it made is taken away again, so that each round finds the disk and its cache as the one before did.
    """
    before = {path for path in root.rglob("*") if path.is_file()}
    run = TOOLS[tool][1](root, task)
    cpu, wall = time.process_time(), time.monotonic()
    run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall, "peak": peak}))
    for path in (path for path in root.rglob("*") if path.suffix in (".star", ".sqlite")):
        if path not in before and path.stat().st_size > 1_000_000:
            path.unlink()


def in_a_process(*words: str) -> str:
    """This program again, in a process of its own; its last line."""
    ended = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{ended.stderr[-2000:]}")
    return (ended.stdout.strip().splitlines() or [""])[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        tool, task, root = given.step
        if task == "make":
            TOOLS[tool][0](Path(root), given.rows)
        else:
            measure(tool, task, Path(root))
        return
    tools = [tool for tool in TOOLS if tool == "cryoloom" or importlib.util.find_spec("pwem")]
    with tempfile.TemporaryDirectory() as folder:
        roots = {tool: str(Path(folder) / tool) for tool in tools}
        for tool, root in roots.items():
            Path(root).mkdir()
            in_a_process("--rows", str(given.rows), "--step", tool, "make", root)
        found: dict[tuple[str, str], list[dict[str, float]]] = {}
        for number in range(given.rounds):
            for task in TASKS:
                for tool in tools:
                    # A peer that takes minutes is run once.
                    if number == 0 or tool == "cryoloom":
                        found.setdefault((tool, task), []).append(
                            json.loads(in_a_process("--step", tool, task, roots[tool]))
                        )
    print(f"{given.rows} items; medians of {given.rounds} rounds (Scipion: 1)\n")
    print("| task | " + " | ".join(f"{tool}: CPU s, wall s, peak GB" for tool in tools) + " | ratio of CPU |")
    print("| --- " * (len(tools) + 2) + "|")
    for task in TASKS:
        cells, cpus = [], []
        for tool in tools:
            values = {
                key: statistics.median(one[key] for one in found[tool, task])
                for key in ("cpu", "wall", "peak")
            }
            cpus.append(values["cpu"])
            cells.append(f"{values['cpu']:.4f}, {values['wall']:.4f}, {values['peak']:.2f}")
        ratio = f"{cpus[1] / max(cpus[0], 1e-9):.0f}" if len(cpus) > 1 else ""
        print(f"| {task} | {' | '.join(cells)} | {ratio} |")


if __name__ == "__main__":
    main()
