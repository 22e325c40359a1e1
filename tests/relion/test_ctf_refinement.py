"""CTF refinement from what a user has, step by step: what is left of each optics group's errors, and what the map gains."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import Project, star
from cryoloom.api.job import Job
from cryoloom.simulate import simulate_particles
from cryoloom.simulate.compare.optics import defocus_errors, optics_errors

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(900)]


class Chain:
    """Four optics groups of two sessions with their true orientations, and nominal optics."""

    def __init__(self, folder: Path) -> None:
        simulate_particles(folder / "set")
        self.true = star.tables_of(star.read(folder / "set/truth/particles.star"))
        self.project = Project.create(folder / "p")
        (self.project.path / "mask.mrc").write_bytes((folder / "set/truth/mask.mrc").read_bytes())
        given = str(folder / "set/particles.star")
        self.particles = self.project.run("import.particles", fn_in_other=given).wait(timeout_s=60)
        self.fsc: list[float] = []

    def post(self) -> Job:
        """Half maps of the particles as they are now, and how well they agree from 8 Å to Nyquist."""
        made = self.project.run(
            "relion.reconstruct", input=self.particles, sym_name="T", do_halves=True, do_pad1=True
        ).wait(timeout_s=100)  # fmt: skip
        post = self.project.run("relion.postprocess", fn_in=made, fn_mask="mask.mrc").wait(timeout_s=60)
        table = star.tables_of(star.read(self.project.path / post.dataset("postprocess").path))["fsc"]
        fine = table.filter(pl.col("rlnAngstromResolution") < 8)["rlnFourierShellCorrelationCorrected"]
        self.fsc.append(float(fine.mean()))  # type: ignore[arg-type]
        return post

    def refine(self, **fits: object) -> None:
        self.particles = self.project.run(
            "relion.ctfrefine", fn_data=self.particles, fn_post=self.post(), minres=30,
            do_ctf="do_defocus" in fits, **fits,
        ).wait(timeout_s=100)  # fmt: skip

    def left(self) -> dict[str, float]:
        """What is left of the errors: of optics the worst group's, of defocus the rms."""
        blocks = star.tables_of(star.read(self.project.path / self.particles.dataset("particles").path))
        optics = optics_errors(blocks["optics"], self.true["optics"], resolution=4.0)
        key = pl.col("rlnImageName").str.replace(r"@.*/", "@")
        found, true = (
            table.with_columns(key.alias("rlnImageName")).sort("rlnImageName")
            for table in (blocks["particles"], self.true["particles"])
        )
        assert found["rlnImageName"].equals(true["rlnImageName"])
        defocus = float(np.sqrt(np.mean(defocus_errors(found, true) ** 2)))
        names = ("beam_tilt", "magnification", "trefoil", "even")
        return {name: max(getattr(one, name) for one in optics) for name in names} | {"defocus": defocus}


def test_each_step_leaves_less_and_the_map_gains(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    nothing = chain.left()

    chain.refine(do_aniso_mag=True)
    assert chain.left()["magnification"] < 0.004 < nothing["magnification"]
    chain.refine(do_tilt=True, do_trefoil=True)
    chain.refine(do_defocus="Per-particle")
    assert chain.left()["defocus"] < nothing["defocus"] / 4
    # Heights hide the fourth order, and it hides what is left of the beam tilt.
    chain.refine(do_tilt=True, do_trefoil=True, do_4thorder=True)

    left = chain.left()
    assert left["beam_tilt"] < 0.1 < nothing["beam_tilt"]  # mrad
    assert left["trefoil"] < nothing["trefoil"] / 10
    assert left["even"] < 0.6 * nothing["even"]
    chain.post()
    # Before anything; after the magnification, the beam tilt, the defoci, and all of it.
    assert chain.fsc == sorted(chain.fsc)
    assert chain.fsc[-1] > chain.fsc[0] + 0.2
