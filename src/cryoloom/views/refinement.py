"""A refinement's course: resolution and angular step over the iterations, FSC of the half maps, slices, while it runs too."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryoloom.project.iterations import course, final, newest
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.views import Axis, Block, Chart, Look, Values, View, VolumeBlock
from cryoloom.views.tables import numbers, singles_of, table_of

FSC = (
    Axis("k", "resolution, Å", is_frequency=True),
    Axis("fsc", "Fourier shell correlation", limits=(-0.1, 1.05)),
)

_SIGNAL = "the finest shell with as much signal as noise"


def refinement_views(root: Path, job: str) -> list[View]:
    """Views of an auto-refinement."""
    halves = {number: job + path.name for number, path in course(root / job, "half1_model.star").items()}
    # `run_model.star`; `run_ct12_model.star` where the job goes on from another one's iteration 12.
    end = final(root / job, "model.star")
    if not halves and end is None:
        return []
    files = (*halves.values(), *([job + end.name] if end is not None else []))
    shown = [
        View(
            "progress", "Course of the refinement",
            "Resolution (blue) falls and then runs level; the angular step is halved when it does. The "
            "job ends when neither improves.",
            files, lambda look: _course(look, halves, end),
        ),
        View(
            "fsc", "Gold-standard FSC",
            "Correlation of the half maps: the resolution is where it falls below 0.143. It should reach 0 and stay there.",
            files, lambda look: _fsc(look, halves, end), iterations=(*halves,),
        ),
    ]  # fmt: skip
    if halves:
        shown.append(
            View(
                "half_maps", "Slices of the half maps", "The two halves know nothing of each other: what both show is there.",
                (*halves.values(),), lambda look: _halves(look, halves), iterations=(*halves,),
            )
        )  # fmt: skip
    return shown


def newest_file(job: JobFolder, ending: str) -> str:
    """The file that a refinement wrote at its end, or in its newest iteration while it runs."""
    found = final(job.path, ending) or newest(job.path, ending)
    return job.file(found.name if found is not None else f"run_{ending}")


def _course(look: Look, models: dict[int, str], end: Path | None) -> Sequence[Block]:
    columns: dict[str, list[object]] = {"iteration": [], "value": [], "what": []}
    for number, file in sorted(models.items()):
        general = singles_of(look.root / file, "model_general")
        sampling = singles_of(look.root / file.replace("half1_model", "sampling"), "sampling_general")
        psi_step = sampling.get("rlnPsiStep")
        for value, what in (
            (_resolution_of(general.get("rlnCurrentResolution")), "resolution (Å)"),
            (None if psi_step is None else float(psi_step), "angular step (°)"),
        ):
            if value is not None:
                columns["iteration"].append(number)
                columns["value"].append(value)
                columns["what"].append(what)
    axes = Axis("iteration", "iteration", is_number=True), Axis("value", "resolution in Å, angular step in °")
    joined = None if end is None else _own_resolution(end)
    caption = f"Resolution: rlnCurrentResolution, {_SIGNAL}; FSC 0.143 (view fsc) lies at another."
    if joined is not None:
        caption += f" At the end, of both halves together: {joined:.2f} Å."
    return [Chart("Course of the refinement", "line", Values(columns), *axes, colour="what", caption=caption)]


def _fsc(look: Look, models: dict[int, str], end: Path | None) -> Sequence[Block]:
    newest = max(models, default=None)
    is_end = end is not None and look.iteration in (None, newest)
    path = end if is_end and end is not None else look.root / models[look.iteration or 0]
    table = table_of(path, "model_class_1")
    k, fsc = numbers(table, "rlnResolution"), numbers(table, "rlnGoldStandardFsc")
    if not fsc or not any(fsc[1:]):
        return []
    said = resolution_words(k, fsc)
    # Short: of two jobs in one chart their names stand behind it.
    said = f"0.143 beyond {1 / k[-1]:.2f} Å, the limit" if said.startswith("to ") else f"0.143 at {said}"
    values: dict[str, list[Any]] = {"k": k, "fsc": fsc, "curve": [f"half maps ({said})"] * len(k)}
    when = "at the end" if is_end else f"of iteration {look.iteration}"
    parts = ("Dashed: 0.143.", _of_mask(look, models), relion_words(path, when))
    return [
        Chart(
            f"Gold-standard FSC {when}",
            "line",
            Values(values),
            *FSC,
            colour="curve",
            rules=(0.143,),
            caption=" ".join(filter(None, parts)),
        )
    ]


def _of_mask(look: Look, models: dict[int, str]) -> str:
    """What RELION compared: the whole boxes, or what lies within the mask (do_solvent_fsc); "" where no file says it."""
    if look.iteration is None:
        return ""
    optimiser = look.root / models[look.iteration].replace("half1_model", "optimiser")
    corrected = singles_of(optimiser, "optimiser_general").get("rlnDoSolventFscCorrection")
    if corrected is None:
        return ""
    return (
        "Within the mask, corrected for what it correlates itself." if int(corrected) else "Without a mask."
    )


def relion_words(model: Path, when: str) -> str:
    """The resolution that RELION itself goes by, which jobs are listed with; "" where it has none.

    RELION 3.1.3 takes the last shell whose signal is not below the noise (rlnSsnrMap of 1, an FSC of about 0.5), and of those
    up to the limit never the very last: another number than where the curve falls below 0.143.
    """
    value = _own_resolution(model)
    return "" if value is None else f"RELION's resolution {when}: {value:.2f} Å, {_SIGNAL}."


def _own_resolution(model: Path) -> float | None:
    return _resolution_of(singles_of(model, "model_general").get("rlnCurrentResolution"))


def _resolution_of(value: Any) -> float | None:
    """Before the first comparison of the halves it is written as 999, or as infinite."""
    return float(value) if value is not None and 0 < float(value) < 900 else None


def resolution_words(k: Sequence[float], fsc: Sequence[float], threshold: float = 0.143) -> str:
    """Where a curve first falls below a threshold, in words; up to the edge of the image where it never does.

    Args:
        k: spatial frequencies in 1/Å, rising from 0.
        fsc: the correlation in each shell.
    """
    below = next((place for place, value in enumerate(fsc) if place and value < threshold), None)
    if below is None:
        return f"to {1 / k[-1]:.2f} Å, the pixel size's limit" if k[-1] else "unknown"
    # RELION's rule: the shell before the one that falls below.
    shell = k[below - 1]
    return f"{1 / shell:.2f} Å" if shell else "unknown"


def _halves(look: Look, models: dict[int, str]) -> Sequence[Block]:
    assert look.iteration is not None
    file = models[look.iteration]
    return [
        VolumeBlock(
            f"Half {half} of iteration {look.iteration}",
            file.replace("half1_model.star", f"half{half}_class001.mrc"),
        )
        for half in (1, 2)
    ]
