"""Whether particles and micrographs belong together, asked before a program goes from one to the other by names and sizes."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.em.names import below_job
from cryoloom.errors import ParameterError
from cryoloom.protocol import Protocol

if TYPE_CHECKING:
    import polars as pl

MICROGRAPH, METADATA, MOVIE = "rlnMicrographName", "rlnMicrographMetadata", "rlnMicrographMovieName"
GROUP = "rlnOpticsGroup"
PIXEL = "rlnMicrographOriginalPixelSize"
OF_A_MOVIE = (PIXEL, "rlnMicrographBinning", "rlnMicrographDoseRate")
FRAMES = "rlnImageSizeZ"
TOLERANCE = 0.002  # of a pixel size
SHOWN = 3


def check_movies(protocol: Protocol, root: Path, particles: Path, micrographs: Path) -> None:
    """That each particle's micrograph is one of those given, and one only, with its motion and its movie on the disk.

    RELION knows a micrograph by its name below the job of its motion correction.

    Raises:
        ParameterError: which is not. Some that are missing are only doubted.
    """
    from cryoloom import star

    where = f"{protocol.name}: input fn_mic"
    rows = star.tables_of(star.read(micrographs, ["micrographs"]))["micrographs"]
    names = [below_job(str(name)) for name in rows[MICROGRAPH].to_list()]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        both = [str(name) for name in rows[MICROGRAPH].to_list() if below_job(str(name)) == twice[0]]
        raise ParameterError(
            where, found=f"{both[0]} and {both[1]}, which are one to RELION", expected="names that differ below their jobs",
            hint="Polish each motion correction's particles in a job of its own; or give each micrograph once.",
        )  # fmt: skip
    metadata = dict(zip(names, rows[METADATA].to_list(), strict=True))
    table = star.tables_of(star.read(particles, ["particles"]))["particles"]
    wanted = Counter(below_job(str(name)) for name in table[MICROGRAPH].to_list())
    missing = [name for name in wanted if name not in metadata]
    if missing and (len(missing) == len(wanted) or not protocol.values.get("accept_unusual")):
        count = sum(wanted[name] for name in missing)
        raise ParameterError(
            where, found=f"without {_some(missing)}, of which {count} of {table.height} particles are",
            expected="the micrographs of all particles",
            hint="Join the micrographs of all motion corrections (sets.join) and give those."
            + ("" if len(missing) == len(wanted) else " Or accept_unusual=Yes: such particles are left out."),
        )  # fmt: skip
    lost = [
        str(metadata[name])
        for name in wanted
        if name in metadata and not (root / str(metadata[name])).is_file()
    ]
    if lost:
        raise ParameterError(
            where, found=f"{_some(lost)}, not on the disk", expected="the motion of each micrograph",
            hint="Was the motion correction cleaned? cryoloom restart it, or take these particles out.",
        )  # fmt: skip
    movies = [(name, _movie_of(root / str(metadata[name]))) for name in wanted if name in metadata]
    gone = [movie or name for name, movie in movies if not movie or not (root / movie).is_file()]
    if gone:
        raise ParameterError(
            where, found=f"{_some(gone)}, not on the disk", expected="the movie of each micrograph"
        )


def check_files_of_micrographs(protocol: Protocol, particles: Path) -> None:
    """That no two micrographs of particles are one to RELION, which names its files by what is below the job.

    Raises:
        ParameterError: two are; each would overwrite the other's fits, and one's particles would come back twice.
    """
    from cryoloom import star

    table = star.tables_of(star.read(particles, columns={MICROGRAPH}))["particles"]
    if MICROGRAPH not in table.columns:
        return
    seen: dict[str, str] = {}
    for name in table[MICROGRAPH].unique(maintain_order=True).to_list():
        other = seen.setdefault(below_job(str(name)), str(name))
        if other != name:
            raise ParameterError(
                f"{protocol.name}: input fn_data", found=f"particles of {other} and {name}, which are one to RELION",
                expected="names that differ below their jobs",
                hint="Refine the particles of each motion correction in a job of its own (sets.filter), then sets.join.",
            )  # fmt: skip


def check_movies_alike(
    protocol: Protocol, root: Path, particles: Path, micrographs: Path, last_frame: int
) -> None:
    """That the movies of all particles have one pixel size and dose, and the size that their optics groups say.

    RELION 3.1.3 reads the size, binning and dose of the first and takes them for all. Each has the last frame, too.

    Raises:
        ParameterError: they do not.
    """
    from cryoloom import star

    blocks = star.tables_of(star.read(micrographs))
    optics, rows = blocks.get("optics"), blocks["micrographs"]
    table = star.tables_of(star.read(particles, columns={MICROGRAPH}))["particles"]
    wanted = {below_job(str(name)) for name in table[MICROGRAPH].unique().to_list()}
    of_groups = {}
    if optics is not None and PIXEL in optics.columns and GROUP in rows.columns:
        of_groups = dict(optics.select(GROUP, PIXEL).iter_rows())
    groups = rows[GROUP].to_list() if GROUP in rows.columns else [1] * rows.height
    first: tuple[str, dict[str, float]] | None = None
    for name, metadata, group in zip(
        rows[MICROGRAPH].to_list(), rows[METADATA].to_list(), groups, strict=True
    ):
        if below_job(str(name)) not in wanted:
            continue
        general = star.read(root / str(metadata), ["general"])["general"]
        own = {
            label: float(general[label])
            for label in OF_A_MOVIE
            if isinstance(general, dict) and label in general
        }
        first = first or (str(metadata), own)
        frames = int(general.get(FRAMES, 0)) if isinstance(general, dict) else 0
        if 0 < frames < last_frame:
            raise ParameterError(
                f"{protocol.name}: parameter last_frame", found=f"{last_frame}", expected=f"at most {frames}, as {metadata} has"
            )  # fmt: skip
        if apart := [label for label in own if label in first[1] and not _alike(own[label], first[1][label])]:
            raise ParameterError(
                f"{protocol.name}: input fn_mic",
                found=f"{apart[0]} {own[apart[0]]:g} in {metadata}, {first[1][apart[0]]:g} in {first[0]}",
                expected="movies of one pixel size, binning and dose: RELION takes the first micrograph's for all",
                hint="Polish each of them in a job of its own (sets.filter), and join the polished particles.",
            )  # fmt: skip
        said = float(of_groups.get(group, own.get(PIXEL, 0)))
        if PIXEL in own and not _alike(own[PIXEL], said):
            raise ParameterError(
                f"{protocol.name}: input fn_mic", found=f"{metadata} with {own[PIXEL]:g} Å, its optics group with {said:g} Å",
                expected="one pixel size", hint="Was the table calibrated by hand? optics.calibrate changes both.",
            )  # fmt: skip


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other))


def check_same_pixels(protocol: Protocol, name: str, particles: Path, micrographs: Path) -> None:
    """That particles and micrographs agree on the pixel size of their movies: perhaps one of them was calibrated.

    Args:
        name: the input that gave the micrographs.
    Raises:
        ParameterError: they do not, with the first micrograph of which they say different sizes.
    """
    from cryoloom import star

    of_particles, of_micrographs = (
        _pixels(star.tables_of(star.read(path, columns={MICROGRAPH, GROUP, PIXEL})))
        for path in (particles, micrographs)
    )
    for key, size in of_particles.items():
        other = of_micrographs.get(key, size)
        if not _alike(other, size):
            raise ParameterError(
                f"{protocol.name}: input {name}", found=f"{key} with {other:g} Å, its particles with {size:g} Å",
                expected="one pixel size of the movie",
                hint=f"Calibrate both alike: optics.calibrate factor={size / other:.6g} of the micrographs.",
            )  # fmt: skip


def _pixels(blocks: "dict[str, pl.DataFrame]") -> dict[str, float]:
    """Pixel size of the movie of each micrograph, by its name below its job; empty where nothing says it."""
    optics = blocks.get("optics")
    rows = next((table for table in blocks.values() if {MICROGRAPH, GROUP} <= set(table.columns)), None)
    if optics is None or rows is None or not {GROUP, PIXEL} <= set(optics.columns):
        return {}
    sizes = dict(optics.select(GROUP, PIXEL).iter_rows())
    pairs = rows.select(MICROGRAPH, GROUP).unique(maintain_order=True)
    return {below_job(str(name)): float(sizes[group]) for name, group in pairs.iter_rows() if group in sizes}


def _movie_of(metadata: Path) -> str:
    from cryoloom import star

    general = star.read(metadata, ["general"])["general"]
    return str(general[MOVIE]) if MOVIE in general else ""


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown
