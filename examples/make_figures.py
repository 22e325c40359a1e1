"""The page `docs/figures.md` with a picture of each view: made of a finished demo, so of fixed seeds.

Usage: make_figures.py DEMO_PROJECT [DOCS_FOLDER]. `make demo SEED=2` makes such a project.
"""

import argparse
import re
from pathlib import Path

from PIL import Image

from cryoloom import Project
from cryoloom.api.job import Job
from cryoloom.api.looking import JobView
from cryoloom.errors import ParameterError

HEAD = """# What each figure shows

`cryoloom plot JOB` lists a job's views; `cryoloom plot JOB VIEW` shows one in the terminal as far as that can, `-o FILE`
writes it (.png, .svg, .pdf, .html, .json). Of a view of one item `--item NAME`, `first`, `newest`, `worst` or a number asks
for another one, and `--iteration N` for an older iteration. In Python: `job.view("ctf").look(item="worst")`,
`.save("ctf.pdf")`; in a notebook a view shows itself.

This page is written by `examples/make_figures.py` from the demo (`make demo SEED=2`). How its data are made is told in
[the simulator](simulation.md): a molecule of about 190 kDa with point group T, in two states, in 12 movies of 12 frames,
two optics groups with different beam tilt, ice that gives Thon rings, contaminants, drift, and counting noise.
"""
TAIL = """
## The comparison with the truth

`cryoloom simulate compare PROJECT` prints, for every step, what the truth says of it: motion left, error of the mean
defocus, picks found and picks that are particles, orientations within 5° of the truth (up to symmetry, the two settings of
the axes and the hand, which no data can decide), and the resolution at which the map agrees with the true one.
"""


def main() -> None:
    """Write page and pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("docs", type=Path, nargs="?", default=Path(__file__).parents[1] / "docs")
    given = parser.parse_args()
    (given.docs / "images").mkdir(parents=True, exist_ok=True)
    parts, shown = [HEAD], set[str]()
    for job in Project(given.project).jobs():
        for view in job.views():
            name = f"{job.entry.protocol.replace('.', '_')}_{view.name}"
            # Of several jobs of one kind the last one is no better than the first.
            if name not in shown:
                shown.add(name)
                parts.append(section(job, view, name, given.docs))
    parts.append(comparisons(Project(given.project), given.docs))
    (given.docs / "figures.md").write_text("\n".join(parts) + TAIL, encoding="utf-8")


def section(job: Job, view: JobView, name: str, docs: Path) -> str:
    """What is said of one view, with its picture, or its figures as text where it has none."""
    words = f"## {view.title}: `plot {job.name} {view.name}`\n\n{view.help}\n"
    asked = []
    if view.has_items:
        asked.append("`--item`" + (", `worst` too" if view.has_worst else ""))
    if view.iterations:
        asked.append("`--iteration`")
    words += f"\nCan be asked for: {'; '.join(asked)}.\n" if asked else ""
    seen = view.look()
    try:
        shrink(seen.save(docs / "images" / f"{name}.png"))
    except ParameterError:
        text = re.sub(r"/\S+/(?=microscope/)", "", str(seen))  # wherever the demo was run
        return f"{words}\n```text\n{text}\n```\n"
    return f"{words}\n![{view.title}](images/{name}.png)\n"


def comparisons(project: Project, docs: Path) -> str:
    """Two jobs, and two iterations, in one figure."""
    jobs = {job.entry.protocol: job for job in project.jobs()}  # the last of each kind
    refined, sorted_ = jobs["relion.refine3d"], jobs["relion.class2d"]
    coarse = next(job for job in project.jobs() if job.entry.protocol == "relion.refine3d")
    refined.plot("fsc", docs / "images/compared_fsc.png", other=coarse)
    sorted_.plot("classes", docs / "images/compared_classes.png", iteration=3, other_iteration=12)
    for name in ("fsc", "classes"):
        shrink(docs / f"images/compared_{name}.png")
    return (
        "## Two at once: `--with`\n\nAny view can be shown with that of another job (`--with JOB`) or iteration "
        "(`--with-iteration N`): curves over the same axes in one chart, figures in one table, pictures side by side; "
        "`--json` has both pictures at one size and scale, to be shown one in the other's place. "
        "In Python: "
        '`job.plot("fsc", other="Refine3D/job013")`.\n\n'
        f"`plot {refined.name} fsc --with {coarse.name}`\n\n![FSC of two refinements](images/compared_fsc.png)\n\n"
        f"`plot {sorted_.name} classes --iteration 3 --with-iteration 12`\n\n"
        "![Classes of two iterations](images/compared_classes.png)\n"
    )


def shrink(file: Path) -> None:
    """Make a picture small enough for a page: grey ones in few colours and at most 460 px wide."""
    picture = Image.open(file)
    if picture.mode in ("L", "RGB"):
        picture.thumbnail((460, 460))
        picture.quantize(48).save(file, optimize=True)
    else:
        picture.thumbnail((920, 920))
        # By coverage: the median cut gives thin lines of two colours one.
        picture.convert("RGB").quantize(64, Image.Quantize.MAXCOVERAGE).save(file, optimize=True)


if __name__ == "__main__":
    main()
