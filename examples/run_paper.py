"""The paper's workflow on made data with known truth: `urease.json`, scaled down, each step beside the truth and the paper.

Usage: run_paper.py [FOLDER] [--preset urease|urease-tiny] [--workflow FILE] [--seed N]. Writes FOLDER/report.html and
FOLDER/paper.json beside the project's jobs. A project that is there is gone on with: whoever was interrupted calls it again.
Returns 1 where a job failed or a bar was missed.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from judging_paper import COLUMNS, LAST, WITHOUT, Limits, bar_rows, bars, reached, stage_rows

from cryoloom import Job, Project, star
from cryoloom.api.report import write_report
from cryoloom.cli.live import follow
from cryoloom.cli.shell import table
from cryoloom.protocol import TableBlock
from cryoloom.simulate import SimulatedSet, compare_project, simulate

HERE = Path(__file__).resolve().parent
# What both presets have in common: a box of 192 Å in 24, 32 and 48 px where the paper bins 8, 4 and 2 times.
COMMON = {
    "timeout": 15, "patches": 1, "bfactor": 30, "diameter_min": 110, "diameter_max": 130, "log_threshold": 1,
    "pick_threshold": 0, "mask_diameter": 150, "box_b8": 24, "box_b4": 32, "box_b2": 48, "angpix_b4": 6, "angpix_b2": 4,
    "min_fraction": 0.04, "class_ratio": 1.4, "nr_classes_3d": 2, "local_from": "3.7 degrees",
}  # fmt: skip
VALUES = {
    "urease": COMMON
    | {
        "dose_per_frame": 5,
        "angpix": 2,
        "ctf_limit": 12,
        "box": 96,
        "bg_diameter": 72,
        "nr_classes": 10,
        "nr_iter": 25,
    },
    "urease-tiny": COMMON
    | {
        "dose_per_frame": 8,
        "angpix": 3,
        "ctf_limit": 12,
        "box": 64,
        "bg_diameter": 48,
        "nr_classes": 6,
        "nr_iter": 12,
    },
}
LIMITS = {
    "urease": Limits(beam_tilt=0.2, magnification=0.004, whole=0.9, best=0.95, poses=0.97),
    # At 3 Å/px nothing tells of the beam's tilt, and little of polishing.
    "urease-tiny": Limits(
        beam_tilt=9.0, magnification=0.02, whole=0.85, best=0.95, poses=0.95, without=False
    ),
}


def main() -> int:
    """Run, compare, write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="paper", type=Path)
    parser.add_argument("--preset", default="urease", choices=list(VALUES))
    parser.add_argument("--workflow", default=HERE / "urease.json", type=Path)
    parser.add_argument("--seed", default=1, type=int)
    options = parser.parse_args()
    folder: Path = options.folder
    began = time.monotonic()
    made = simulate(folder / "microscope", options.preset, seed=options.seed)
    project = the_project(folder, options.workflow, options.preset, options.seed)
    if LIMITS[options.preset].without:
        leave_out(project, made)
    try:
        shown = follow(project, project.jobs())
    except KeyboardInterrupt:
        print(
            f"\nInterrupted; jobs go on. The same command shows them again; cryoloom ls -p {folder}",
            file=sys.stderr,
        )
        return 130
    broken = [summary for summary in shown if summary.state != "succeeded"]
    for summary in broken:
        print(f"{summary.name} {summary.state}: {summary.why}")
    rows = compare_project(project.path, made.truth).rows
    figures = reached(project, rows)
    stages, judged = stage_rows(project, figures), bars(figures, LIMITS[options.preset])
    every = [[row.job, row.what, f"{row.value:.4g} {row.unit}".strip(), row.note] for row in rows]
    print("\n" + table([*COLUMNS], stages))
    print("\n" + table(["bar", "reached", "asked", ""], bar_rows(judged)))
    content = {
        "stages": [dict(zip(COLUMNS, stage, strict=True)) for stage in stages],
        "bars": judged,
        "rows": every,
        "wall_s": round(time.monotonic() - began),
    }
    (folder / "paper.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    extra = [
        TableBlock("The paper's steps, on made data", COLUMNS, stages),
        TableBlock("What has to be reached", ("", "reached", "asked", ""), bar_rows(judged)),
        TableBlock("Every step against the truth", ["job", "what", "value", "note"], every),
    ]
    write_report(project, folder / "report.html", extra=extra, title="The paper's workflow on made data")
    print(
        f"\n{content['wall_s']} s. {folder}/report.html, {folder}/paper.json; in a browser: cryoloom serve {folder}"
    )
    return 1 if broken or not all(bar["passed"] for bar in judged) else 0


def the_project(folder: Path, workflow: Path, preset: str, seed: int) -> Project:
    """The project with the workflow's jobs; one that was begun goes on."""
    if (folder / "default_pipeline.star").exists() and Project(folder).jobs():
        project = Project(folder)
        project.resume()
        return project
    project = Project.create(folder, seed=seed)
    project.run_workflow(
        workflow, seed=seed, movies_single="microscope/single/*.mrc", movies_multi="microscope/multi/*.mrc",
        gain="microscope/Movies/gain.mrc", groups="microscope/groups.star", **VALUES[preset],
    )  # fmt: skip
    return project


def leave_out(project: Project, made: SimulatedSet) -> None:
    """Two side branches, each without one thing, to see what it is worth: polishing, and the four optics groups."""
    there = {job.alias for job in project.jobs()}
    unpolished, merged = WITHOUT
    if merged not in there:
        [groups] = star.tables_of(star.read(made.folder / "groups.star")).values()
        one = made.folder / "one_group.star"
        star.write(one, {"": groups.with_columns(rlnOpticsGroup=1)})
        copies = project.copy("with_optics", branch=True, table=str(one.relative_to(project.path)))
        # Its last refinement is the one to compare; a map post-processed of it would be taken for the project's result.
        last = last_of(copies)
        behind = [job for job in copies if job.protocol in ("relion.maskcreate", "relion.postprocess")]
        project.delete(*behind)
        last.set_alias(merged)
        for job in copies:
            if job not in behind:
                job.resume()
    if unpolished not in there:
        copy = project.copy(LAST, fn_img=project.job("ctf_aberrations"), start=True)[0]
        copy.set_alias(unpolished)


def last_of(jobs: list[Job]) -> Job:
    """The last refinement among jobs."""
    return [job for job in jobs if job.protocol == "relion.refine3d"][-1]


if __name__ == "__main__":
    sys.exit(main())
