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

import numpy as np
import polars as pl

from cryoloom import star
from cryoloom.simulate import SimulatedSet
from cryoloom.simulate.truth import optics_table, read_map, read_truth, table

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
            pl.exclude("^rln(MagMat|BeamTilt|MicrographPixelSize).*$")
        )
        numbers = {group.prefix: group.number for group in self.preset.groups}
        frame = pl.DataFrame(
            {
                "rlnMicrographMovieName": [f"Movies/{m.name}" for m in good],
                "rlnOpticsGroup": [numbers[m.name.split("_")[0]] for m in good],
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

    def again(self, ctf: str, particles: str, scaled: int) -> str:
        job = self.job("Extract", "relion.extract")
        relion(
            f"relion_preprocess --i {ctf}micrographs_ctf.star --reextract_data_star {particles} --recenter"
            " --recenter_x 0 --recenter_y 0 --recenter_z 0"
            f" --part_star {job}particles.star --part_dir {job} --extract --extract_size {self.preset.box}"
            f" --scale {scaled} --norm --bg_radius {int(0.375 * scaled)} --white_dust -1 --black_dust -1"
            " --invert_contrast",
            self.project,
        )
        return job

    def class2d(self, particles: str, classes: int = 3, iterations: int = 6) -> str:
        job = self.job("Class2D", "relion.class2d")
        relion(
            f"relion_refine --o {job}run --i {particles} --dont_combine_weights_via_disc --preread_images"
            f" --pool 30 --pad 2 --ctf --iter {iterations} --tau2_fudge 2 --particle_diameter 150 --K {classes}"
            " --flatten_solvent --zero_mask --oversampling 1 --psi_step 20 --offset_range 3 --offset_step 2"
            " --norm --scale --j 2 --random_seed 1",
            self.project,
        )
        return job

    def choose(self, class2d: str, factor: float = 2.0) -> str:
        job = self.job("Select", "sets.classes")
        data = sorted((self.project / class2d).glob("run_it*_data.star"))[-1]
        model = table(star.read(data.with_name(data.name.replace("_data", "_model"))), "model_classes")
        share, resolution = (
            model[f"rln{x}"].to_numpy() for x in ("ClassDistribution", "EstimatedResolution")
        )
        kept = np.flatnonzero((share > 0.03) & (resolution < factor * resolution[share > 0.03].min())) + 1
        blocks = star.read(data)
        rows = table(blocks, "particles").filter(pl.col("rlnClassNumber").is_in(kept.tolist()))
        star.write(
            self.project / job / "particles.star", {"optics": table(blocks, "optics"), "particles": rows}
        )
        return job

    def initial(self, particles: str, iterations: str = "60/5/10", subsets: str = "25/100") -> str:
        job = self.job("InitialModel", "relion.inimodel")
        first, last, between = iterations.split("/")[0], iterations.split("/")[1], iterations.split("/")[2]
        small, large = subsets.split("/")
        relion(
            f"relion_refine --o {job}run --sgd_ini_iter {first} --sgd_inbetween_iter {between} --sgd_fin_iter {last}"
            " --sgd_write_iter 10 --sgd_ini_resol 25 --sgd_fin_resol 15"
            f" --sgd_ini_subset {small} --sgd_fin_subset {large} --sgd --denovo_3dref --i {particles} --ctf --K 1"
            " --sym T --flatten_solvent --zero_mask --dont_combine_weights_via_disc --preread_images --pool 30"
            " --pad 1 --skip_gridding --particle_diameter 150 --oversampling 1 --healpix_order 1 --offset_range 3"
            " --offset_step 2 --j 2 --random_seed 1",
            self.project,
        )
        return job

    def refine(self, particles: str, reference: Path, options: str) -> str:
        job = self.job("Refine3D", "relion.refine3d")
        optics = table(star.read(self.project / particles), "optics")
        angpix, box = float(optics["rlnImagePixelSize"][0]), int(optics["rlnImageSize"][0])
        relion(
            f"relion_image_handler --i {reference.relative_to(self.project)} --o {job}ref.mrc"
            f" --rescale_angpix {angpix} --new_box {box}",
            self.project,
        )
        relion(
            f"mpirun -n 3 relion_refine_mpi --o {job}run --auto_refine --split_random_halves --i {particles}"
            f" --ref {job}ref.mrc {_REFINE} {options}",
            self.project,
        )
        return job

    def mask(self, reference: Path, angpix: float, extend: int, soft: int) -> str:
        job = self.job("MaskCreate", "relion.maskcreate")
        relion(
            f"relion_image_handler --i {reference.relative_to(self.project)} --o {job}ref.mrc"
            f" --rescale_angpix {angpix} --new_box {self.preset.box}",
            self.project,
        )
        volume, _ = read_map(self.project / job / "ref.mrc")
        n = len(volume)
        z, y, x = np.ogrid[:n, :n, :n]
        middle = (z - n / 2) ** 2 + (y - n / 2) ** 2 + (x - n / 2) ** 2 < (n / 4) ** 2
        threshold = 0.25 * np.percentile(volume[middle], 99)
        relion(
            f"relion_mask_create --i {job}ref.mrc --o {job}mask.mrc --lowpass 15 --ini_threshold {threshold}"
            f" --extend_inimask {extend} --width_soft_edge {soft} --j 2",
            self.project,
        )
        return job

    def postprocess(self, refine: str, mask: str) -> str:
        job = self.job("PostProcess", "relion.postprocess")
        relion(
            f"relion_postprocess --mask {mask}mask.mrc --i {refine}run_half1_class001_unfil.mrc"
            f" --o {job}postprocess --angpix {self.preset.angpix} --auto_bfac --autob_lowres 10",
            self.project,
        )
        return job
