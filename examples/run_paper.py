"""The paper's workflow on made data with known truth: `urease.json`, scaled down, each step beside the truth and the paper.

Usage: run_paper.py [FOLDER] [--workflow FILE] [--seed N]. Writes FOLDER/report.html and FOLDER/paper.json beside the project's
jobs. A project that is there is gone on with: whoever was interrupted calls it again.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cryoloom import Project
from cryoloom.api.report import write_report
from cryoloom.cli.live import follow
from cryoloom.cli.shell import table
from cryoloom.errors import CryoloomError
from cryoloom.protocol import TableBlock
from cryoloom.simulate import compare_project, simulate
from cryoloom.simulate.compare.steps import Row

HERE = Path(__file__).resolve().parent
# The preset's box is 96 px of 2 Å: a binning of 4, 3 and 2 where the paper has 8, 4 and 2.
VALUES = {
    "dose_per_frame": 4.8, "angpix": 2, "timeout": 15, "ctf_limit": 8, "patches": 1, "bfactor": 30,
    "diameter_min": 110, "diameter_max": 130, "log_threshold": 1, "mask_diameter": 150,
    "box": 96, "box_b8": 24, "box_b4": 32, "box_b2": 48, "angpix_b4": 6, "angpix_b2": 4,
    "nr_classes": 6, "nr_iter": 12, "min_fraction": 0.04, "class_ratio": 1.4, "nr_classes_3d": 2,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """A step that the paper gives a resolution for: in RELION's window, and in Scipion; Å."""

    job: str
    what: str
    relion: str
    scipion: str


STAGES = (
    Stage("refine_b8", "single-shot, coarsest pixels", "Nyquist", ""),
    Stage("refine_b4", "single-shot, finer", "", ""),
    Stage("refine_b2", "single-shot, finer", "", ""),
    Stage("refine_b1", "single-shot, unbinned", "2.84", "2.87"),
    Stage("refine_both_b2", "both sets, binned twice", "2.66", ""),
    Stage("refine_full", "best class, unbinned", "2.60", "2.60"),
    Stage("refine_final", "after CTF refinement and polishing", "2.08", "2.14"),
)
COLUMNS = (
    "step",
    "what",
    "particles",
    "half maps",
    "with the truth",
    "pose, median",
    "paper: RELION",
    "Scipion",
)


def main() -> int:
    """Run, compare, write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="paper", type=Path)
    parser.add_argument("--workflow", default=HERE / "urease.json", type=Path)
    parser.add_argument("--seed", default=1, type=int)
    options = parser.parse_args()
    folder: Path = options.folder
    began = time.monotonic()
    made = simulate(folder / "microscope", "urease", seed=options.seed)
    if (folder / "default_pipeline.star").exists():
        project = Project(folder)
        project.resume()
        jobs = project.jobs()
    else:
        project = Project.create(folder, seed=options.seed)
        jobs = project.run_workflow(
            options.workflow, seed=options.seed, movies_single="microscope/single/*.mrc",
            movies_multi="microscope/multi/*.mrc", gain="microscope/Movies/gain.mrc",
            groups="microscope/groups.star", **VALUES,
        )  # fmt: skip
    shown = follow(project, jobs)
    broken = [summary for summary in shown if summary.state != "succeeded"]
    for summary in broken:
        print(f"{summary.name} {summary.state}: {summary.why}")
    rows = compare_project(project.path, made.truth).rows
    stages = stage_rows(project, rows)
    every = [[row.job, row.what, f"{row.value:.4g} {row.unit}".strip(), row.note] for row in rows]
    print("\n" + table([*COLUMNS], stages))
    content = {
        "stages": [dict(zip(COLUMNS, stage, strict=True)) for stage in stages],
        "rows": every,
        "wall_s": round(time.monotonic() - began),
    }
    (folder / "paper.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    extra = [
        TableBlock("The paper's steps, on made data", COLUMNS, stages),
        TableBlock("Every step against the truth", ["job", "what", "value", "note"], every),
    ]
    write_report(project, folder / "report.html", extra=extra, title="The paper's workflow on made data")
    print(
        f"\n{content['wall_s']} s. {folder}/report.html, {folder}/paper.json; in a browser: cryoloom serve {folder}"
    )
    return 1 if broken else 0


def stage_rows(project: Project, rows: list[Row]) -> list[list[str]]:
    """The table's lines: what the project reached in each of the paper's steps."""
    names = {summary.label: summary for summary in project.summaries()}
    found = []
    for stage in STAGES:
        summary = names.get(stage.job)
        if summary is None or summary.state != "succeeded":
            found.append([stage.job, stage.what, "", "", "", "", stage.relion, stage.scipion])
            continue
        said = {row.what: f"{row.value:.2f} {row.unit}" for row in rows if row.job == summary.name}
        made = summary.made.split(", ")
        try:
            count = str(project.job(summary.name).dataset("particles").table().height)
        except CryoloomError:
            count = ""
        found.append([
            stage.job, stage.what, count, next((word for word in made if word.endswith("Å")), ""),
            said.get("map's FSC with the truth at 0.5", ""), said.get("orientation error, median", ""),
            stage.relion, stage.scipion,
        ])  # fmt: skip
    return found


if __name__ == "__main__":
    sys.exit(main())
