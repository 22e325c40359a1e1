"""The second half of a session in Python: extracted particles to a post-processed map, with a step of one's own between.

Usage: second_half.py PROJECT MICROGRAPHS PARTICLES [--symmetry C1] [--diameter 150] [--box 64]; the last two are jobs by name,
number or alias. The numbers of iterations are those of the tiny demonstration, which takes a few minutes: give your own
data RELION's.

mypy checks this file: a misspelt protocol or parameter, or a value of the wrong type, is an error before anything runs.
"""

import argparse
import sys

import numpy as np
import polars as pl

from cryoloom import Job, JobError, Project, star

SIGNAL = "labSignal"


def measure_signal(particles: Job, diameter_angst: float) -> str:
    """The own step: how much each image varies within the particle's circle, compared with around it.

    Returns:
        The file of the project that says so of each item, by its id.
    """
    dataset = particles.dataset("particles")
    items = dataset.table()
    images = dataset.images(items)
    size = images.pixels.shape[-1]
    x = (np.arange(size) - size // 2) * images.angpix
    inside = np.hypot(*np.meshgrid(x, x)) < diameter_angst / 2
    signal = images.pixels[:, inside].var(axis=1) / images.pixels[:, ~inside].var(axis=1)
    file = f"signal_of_{particles.name.replace('/', '_')}.star"
    table = pl.DataFrame({"cryoloomItemId": items["cryoloomItemId"], SIGNAL: np.round(signal, 5)})
    star.write(particles.project.path / file, {"particles": table})
    return file


def second_half(
    project: Project, micrographs: Job, particles: Job, *, symmetry: str, diameter_angst: float, box_px: int
) -> Job:
    """2D classes, choice, own step, initial model, refinement, again without binning in a mask, post-processing.

    Args:
        project: whose jobs.
        micrographs: those that the particles were extracted from, with their CTF.
        particles: binned.
        symmetry: RELION's name of the point group.
        diameter_angst: of the particle.
        box_px: of its images without binning.
    Returns:
        The last job.
    """
    classes = project.run(
        "relion.class2d", fn_img=particles, nr_classes=3, nr_iter=6, particle_diameter=diameter_angst, psi_sampling=10,
        offset_range=3, nr_pool=30, do_preread_images=True, nr_threads=2, other_args="--random_seed 1",
    )  # fmt: skip
    chosen = project.run("sets.classes", fn_model=classes, min_fraction=0.03, max_resolution_ratio=2).wait()

    signal = measure_signal(chosen, diameter_angst)
    measured = project.run("sets.assign", input=chosen, source=signal, what="columns", columns=SIGNAL)
    best = project.run("sets.filter", input=measured, rank_by=SIGNAL, rank_keep="90%", rank_order="highest")

    model = project.run(
        "relion.inimodel", fn_img=best, sym_name=symmetry, particle_diameter=diameter_angst, sgd_ini_iter=60,
        sgd_inbetween_iter=10, sgd_fin_iter=5, sgd_ini_resol=25, sgd_fin_resol=15, sgd_ini_subset_size=25,
        sgd_fin_subset_size=100, offset_range=3, offset_step=1, nr_pool=30, do_preread_images=True, do_pad1=True,
        skip_gridding=True, nr_threads=2, other_args="--random_seed 1",
    )  # fmt: skip
    coarse = project.run(
        "relion.refine3d", fn_img=best, fn_ref=model, sym_name=symmetry, particle_diameter=diameter_angst, ini_high=25,
        offset_range=3, offset_step=1, auto_faster=True, nr_pool=30, do_preread_images=True, do_pad1=True,
        skip_gridding=True, ctf_corrected_ref=True, nr_mpi=3, other_args="--random_seed 1 --maxsig 100",
    )  # fmt: skip

    unbinned = project.run(
        "relion.extract", star_mics=micrographs, fndata_reextract=coarse, do_reextract=True, do_recenter=True,
        extract_size=box_px,
    ).wait()  # fmt: skip
    angpix = unbinned.dataset().images(unbinned.dataset().table()[:1]).angpix
    reference = project.run("relion.image_handler", fn_in=coarse, rescale_angpix=angpix, new_box=box_px)
    mask = project.run(
        "relion.maskcreate", fn_in=reference, lowpass_filter=15, extend_inimask=2, width_mask_edge=4
    )
    refined = project.run(
        "relion.refine3d", fn_img=unbinned, fn_ref=reference, fn_mask=mask, sym_name=symmetry, do_solvent_fsc=True,
        particle_diameter=diameter_angst, ini_high=18, sampling="1.8 degrees", auto_local_sampling="1.8 degrees",
        offset_range=2, offset_step=1, auto_faster=True, nr_pool=30, do_preread_images=True, do_pad1=True,
        skip_gridding=True, ctf_corrected_ref=True, nr_mpi=3, other_args="--random_seed 1 --maxsig 100",
    )  # fmt: skip
    return project.run("relion.postprocess", fn_in=refined, fn_mask=mask)


def main() -> None:
    parser = argparse.ArgumentParser(description="Particles to a post-processed map.")
    parser.add_argument("project")
    parser.add_argument("micrographs", help="a job: those that the particles are from, with their CTF")
    parser.add_argument("particles", help="a job: extracted and binned")
    parser.add_argument("--symmetry", default="C1")
    parser.add_argument("--diameter", type=float, default=150.0, help="of the particle, in Å")
    parser.add_argument("--box", type=int, default=64, help="of the images without binning, in px")
    given = parser.parse_args()
    project = Project(given.project)
    try:
        last = second_half(
            project, project[given.micrographs], project[given.particles], symmetry=given.symmetry,
            diameter_angst=given.diameter, box_px=given.box,
        ).wait()  # fmt: skip
    except JobError as error:
        sys.exit(f"{error}")
    print(f"{last.name}: {last.summary().made}")
    print(f"map: {last.dataset('final_map').path}")


if __name__ == "__main__":
    main()
