"""Table 1 of a paper: how data were collected, and what the map is, by what the files say; what none says is left out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.api.branch import Branch
from cryoloom.errors import CryoloomError
from cryoloom.project.foreign import protocol_as_run, sources_as_run
from cryoloom.protocol.datasets import Dataset, Micrographs, Movies, Particles, Postprocess
from cryoloom.protocol.declare import AUTO
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.protocol.protocols import Protocol

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.project import Project
    from cryoloom.api.summary import JobSummary

DOSE = "cryoloomDosePerFrame"  # of an import's optics groups
_OPTICS = {
    "rlnVoltage": ("Voltage", "kV"),
    "rlnSphericalAberration": ("Spherical aberration", "mm"),
    "rlnMicrographOriginalPixelSize": ("Pixel size of the movies", "Å"),
}


def table_one(
    project: "Project", branch: Branch, summaries: "Mapping[str, JobSummary]"
) -> tuple[tuple[str, str], ...]:
    """Name and value of each row."""
    return tuple(_rows(project.path, branch, summaries))


def _rows(root: Path, branch: Branch, summaries: "Mapping[str, JobSummary]") -> Iterator[tuple[str, str]]:
    given: list[tuple[str, Dataset]] = []
    for job in branch.jobs:
        if job.name in summaries and summaries[job.name].state == "succeeded":
            given += [(job.name, dataset) for dataset in job.entry.outputs().values()]
    # Several sessions may be joined: each was imported by itself.
    begun = {job.name for job in branch.jobs if not sources_as_run(job.entry) & {*branch.distance}}
    collected = [dataset for name, dataset in given if name in begun]
    yield from _collection(root, collected)
    particles = [dataset for _, dataset in given if type(dataset) is Particles]
    yield from _exposure(root, branch)
    movies = [_table(root, dataset) for dataset in collected if type(dataset) is Movies]
    if any(table is not None for table in movies):
        yield "Movies", f"{sum(table.height for table in movies if table is not None)}"
    tables = [one for dataset in particles if (one := _table(root, dataset)) is not None]
    last = _table(root, _last_particles(root, branch, particles)) if particles else None
    if tables and last is not None:
        if "rlnMicrographName" in last.columns:
            yield "Micrographs used", f"{last['rlnMicrographName'].n_unique()}"
        yield "Initial particle images", f"{max(map(images, tables))}"
        yield "Final particle images", f"{images(last)}"
        yield from _defocus(last)
    yield from _of_map(root, branch, given)


def _collection(root: Path, collected: Sequence[Dataset]) -> Iterator[tuple[str, str]]:
    tables = [
        optics
        for dataset in collected
        if isinstance(dataset, Movies | Micrographs | Particles)
        and (optics := _table(root, dataset, "optics")) is not None
    ]
    for label, (name, unit) in _OPTICS.items():
        values = {
            float(value) for optics in tables if label in optics.columns for value in optics[label].to_list()
        }
        if values:
            yield f"{name} ({unit})", ", ".join(f"{value:g}" for value in sorted(values))


def _exposure(root: Path, branch: Branch) -> Iterator[tuple[str, str]]:
    """Electrons on the specimen: what motion correction was told for a frame, times the frames of a movie.

    Nothing where one of several sessions does not say it.
    """
    told: dict[bool, list[set[float]]] = {True: [], False: []}
    for job in branch.jobs:
        try:
            protocol = protocol_as_run(job.entry)
        except CryoloomError:
            continue
        if "dose_per_frame" not in protocol.values:
            continue
        corrected = [dataset for dataset in protocol.given.values() if isinstance(dataset, Movies)]
        of = corrected or [dataset for dataset in job.entry.outputs().values() if isinstance(dataset, Movies)]
        told[bool(corrected)] += [_exposures(root, protocol, dataset) for dataset in of]
    # An import says what motion correction is to be told, where nobody tells it otherwise.
    found = told[True] or told[False]
    if found and all(found):
        values = sorted({round(value, 6) for one in found for value in one})
        yield "Electron exposure (e/Å²)", ", ".join(f"{value:g}" for value in values)


def _exposures(root: Path, protocol: Protocol, movies: Dataset) -> set[float]:
    """Of one set of movies; more than one where its optics groups had other doses, none where it is not known."""
    from cryoloom.images.headers import read_header

    table, optics = _table(root, movies), _table(root, movies, "optics")
    asked = protocol.values["dose_per_frame"]
    doses = [asked]
    if asked == AUTO:
        doses = optics[DOSE].to_list() if optics is not None and DOSE in optics.columns else []
    if table is None or not table.height or not doses or not all(float(dose or 0) > 0 for dose in doses):
        return set()
    names = [str(name) for name in table["rlnMicrographMovieName"].to_list()]
    try:
        frames = {read_header(root / name).frames for name in (names[0], names[len(names) // 2], names[-1])}
    except (CryoloomError, OSError):
        return set()
    if len(frames) != 1:
        return set()
    # Of EER a frame is what RELION adds up, and the dose is of that.
    grouped = int(protocol.values.get("eer_grouping", 1)) if names[0].lower().endswith(".eer") else 1
    count = frames.pop() // grouped
    return {float(dose) * count for dose in doses}


def images(particles: "pl.DataFrame") -> int:
    """How many particles, not how many copies that their symmetry makes of them: these have the ids `i0123_2` and so on."""
    if ITEM_ID not in particles.columns:
        return particles.height
    import polars as pl

    ids = particles[ITEM_ID].cast(pl.String)
    return ids.str.replace(r"_\d+$", "").n_unique()


def _last_particles(root: Path, branch: Branch, particles: Sequence[Dataset]) -> Dataset:
    """The particles that are nearest before the result: not those of a trial behind it."""
    for job in branch.nearest_first():
        for dataset in job.entry.outputs().values():
            if type(dataset) is Particles and (root / dataset.path).exists():
                return dataset
    return particles[-1]


def _defocus(particles: "pl.DataFrame") -> Iterator[tuple[str, str]]:
    labels = [label for label in ("rlnDefocusU", "rlnDefocusV") if label in particles.columns]
    if labels and particles.height:
        lowest = min(float(str(particles[label].min())) for label in labels)
        highest = max(float(str(particles[label].max())) for label in labels)
        yield "Defocus range (µm)", f"{lowest / 1e4:.2f} to {highest / 1e4:.2f}"


def _of_map(root: Path, branch: Branch, given: list[tuple[str, Dataset]]) -> Iterator[tuple[str, str]]:
    from cryoloom import star

    for job in branch.nearest_first():
        try:
            protocol = protocol_as_run(job.entry)
        except CryoloomError:
            continue
        if symmetry := str(protocol.values.get("sym_name", "")):
            yield "Symmetry imposed", symmetry.upper()
            break
    ends = [
        dataset for name, dataset in given if name == branch.result.name and isinstance(dataset, Postprocess)
    ]
    for dataset in ends:
        found = star.read(root / dataset.path, ["general"], optional=True).get("general")
        if not isinstance(found, dict):
            continue
        if "rlnFinalResolution" in found:
            yield "Map resolution (Å)", f"{float(found['rlnFinalResolution']):.2f}"
            yield "FSC threshold", "0.143"
        if "rlnBfactorUsedForSharpening" in found:
            yield "Map sharpening B factor (Å²)", f"{float(found['rlnBfactorUsedForSharpening']):.1f}"


def _table(root: Path, dataset: Dataset, block: str = "") -> "pl.DataFrame | None":
    from cryoloom import star

    path = root / dataset.path
    if path.suffix != ".star" or not path.is_file():
        return None
    tables = star.tables_of(star.read(path))
    return tables.get(block or getattr(dataset, "block", ""))
