"""Whether the last file of an import, and the last micrograph of a coordinate file for all, cost what the first does.

    python benchmarks/imports.py [--files 20000] [--picks 50]

Times an import of a tenth of the files and of all of them, and the coordinates of each from one file; prints
milliseconds an item and their ratio, which is 1 where nothing is done again for each item.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from cryoloom import Project
from cryoloom.images.mrc import write_mrc

TENTH = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--picks", type=int, default=50, help="of each micrograph")
    given = parser.parse_args()
    few = times(given.files // TENTH, given.picks)
    many = times(given.files, given.picks)
    for step, ms in many.items():
        print(f"{step:28} {few[step]:7.2f} ms an item of few, {ms:7.2f} of many: {ms / few[step]:.2f}")


def times(files: int, picks: int) -> dict[str, float]:
    """Milliseconds an item of each step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = Project.create(folder / "p", seed=1)
        write_mrc(folder / "one.mrc", np.arange(256, dtype=np.float32).reshape(16, 16), 1.0)
        data = (folder / "one.mrc").read_bytes()
        (folder / "raw").mkdir()
        for number in range(files):
            (folder / f"raw/m_{number:06d}.mrc").write_bytes(data)
        rows = "".join(f"m_{number:06d}.mrc {x} 5\n" for number in range(files) for x in range(picks))
        head = "data_\nloop_\n_rlnMicrographName\n_rlnCoordinateX\n_rlnCoordinateY\n"
        (folder / "all.star").write_text(head + rows)
        found = {}
        began = time.monotonic()
        imported = project.run("import.micrographs", fn_in_raw=f"{folder}/raw/*.mrc", angpix=1.0).wait(3600)
        found["import"] = time.monotonic() - began
        began = time.monotonic()
        picked = project.run("import.coordinates", star_mics=imported, fn_in_other=str(folder / "all.star"))
        picked.wait(3600)
        found["picks of one file"] = time.monotonic() - began
        assert picked.state == "succeeded", picked.why
        return {step: 1000 * seconds / files for step, seconds in found.items()}


if __name__ == "__main__":
    main()
