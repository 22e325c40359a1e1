# Command lines read better whole.
"""RELION's own chain on a simulated set, step by step, as a project that `compare_project` can walk.

No tests stand here. Each step is one call that makes a job folder; defocus comes from the truth, since the
estimator is another room's matter.
"""

import json
import os
import shlex
import subprocess
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.simulate import SimulatedSet
from cryoloom.simulate.truth import optics_table, read_truth, table

ENVIRONMENT = {
    "RELION_SHELL": "sh",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_plm_rsh_agent": "sh",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "OMP_NUM_THREADS": "2",
}
_REFINE = (
    "--dont_combine_weights_via_disc --preread_images --pool 30 --pad 1 --skip_gridding --ctf "
    "--particle_diameter 150 --flatten_solvent --zero_mask --oversampling 1 --sym T --norm --scale --j 1 "
    "--random_seed 1 --firstiter_cc --low_resol_join_halves 40 --offset_step 2 --auto_ignore_angles --auto_resol_angles"
)


def relion(command: str, folder: Path) -> str:
    """Run a command in a folder; its words on failure are the assertion's."""
    done = subprocess.run(
        shlex.split(command), cwd=folder, env=os.environ | ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


class Chain:
    """A project that grows by one job a call."""

    def __init__(self, project: Path, movies: SimulatedSet) -> None:
        self.project, self.movies, self.preset = project, movies, movies.preset
        self.jobs: list[str] = []
        project.mkdir(parents=True)
        (project / "Movies").symlink_to(movies.folder.resolve() / "Movies")

    def job(self, kind: str, protocol: str) -> str:
        """A new folder, `Extract/job005/`, noted in the pipeline."""
        name = f"{kind}/job{len(self.jobs) + 1:03d}/"
        (self.project / name).mkdir(parents=True)
        (self.project / name / "job.json").write_text(json.dumps({"protocol": protocol}))
        self.jobs.append(name)
        processes = pl.DataFrame({"rlnPipeLineProcessName": self.jobs}).with_columns(
            rlnPipeLineProcessAlias=pl.lit("None"),
            rlnPipeLineProcessType=pl.lit(99),
            rlnPipeLineProcessStatus=pl.lit(2),
        )
        star.write(self.project / "default_pipeline.star", {"pipeline_processes": processes})
        return name

    def motion(self, patches: int = 1, b_factor: int = 10) -> str:
        job = self.job("MotionCorr", "relion.motioncorr")
        good = [m for m in self.movies.movies if m not in self.movies.bad]
        optics = optics_table(self.preset.groups, self.preset.angpix).select(
            pl.exclude("^rln(MagMat|BeamTilt|OddZernike|EvenZernike|MicrographPixelSize).*$")
        )
        numbers = {group.prefix: group.number for group in self.preset.groups}
        frame = pl.DataFrame(
            {
                "rlnMicrographMovieName": [f"Movies/{m.name}" for m in good],
                "rlnOpticsGroup": [numbers[m.name.rpartition("_")[0]] for m in good],
            }
        )
        star.write(self.project / "movies.star", {"optics": optics, "movies": frame})
        relion(
            f"relion_run_motioncorr --i movies.star --o {job} --first_frame_sum 1 --last_frame_sum -1 --use_own"
            f" --j 2 --bin_factor 1 --bfactor {b_factor} --dose_per_frame {self.preset.frame_dose} --preexposure 0"
            f" --patch_x {patches} --patch_y {patches} --gainref Movies/gain.mrc --gain_rot 0 --gain_flip 0"
            " --dose_weighting --save_noDW --grouping_for_ps 1",
            self.project,
        )
        return job

    def true_ctf(self, motion: str) -> str:
        job = self.job("CtfFind", "ctf.estimate")
        blocks = star.read(self.project / motion / "corrected_micrographs.star")
        truth = read_truth(self.movies.truth).micrographs.select(
            pl.col("rlnMicrographName").str.split("/").list.last().alias("stem"),
            *(f"rlnDefocus{x}" for x in ("U", "V", "Angle")),
        )
        micrographs = (
            table(blocks, "micrographs")
            .select("rlnMicrographName", "rlnOpticsGroup")
            .with_columns(pl.col("rlnMicrographName").str.split("/").list.last().alias("stem"))
            .join(truth, on="stem", maintain_order="left")
            .drop("stem")
        )
        star.write(
            self.project / job / "micrographs_ctf.star",
            {"optics": table(blocks, "optics"), "micrographs": micrographs},
        )
        return job

    def pick(self, ctf: str, threshold: float = 1.2) -> str:
        job = self.job("AutoPick", "relion.autopick")
        relion(
            f"relion_autopick --i {ctf}micrographs_ctf.star --odir {job} --pickname autopick --LoG"
            " --LoG_diam_min 110 --LoG_diam_max 130 --shrink 0 --lowpass 20"
            f" --LoG_adjust_threshold {threshold}",
            self.project,
        )
        return job

    def extract(self, ctf: str, pick: str, scaled: int = 24) -> str:
        job = self.job("Extract", "relion.extract")
        relion(
            f"relion_preprocess --i {ctf}micrographs_ctf.star --coord_dir {pick} --coord_suffix _autopick.star"
            f" --part_star {job}particles.star --part_dir {job} --extract --extract_size {self.preset.box}"
            f" --scale {scaled} --norm --bg_radius {int(0.375 * scaled)} --white_dust -1 --black_dust -1"
            " --invert_contrast",
            self.project,
        )
        return job
