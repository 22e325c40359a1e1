"""Whether polishing will find the movie of each particle, asked before it runs: RELION leaves out those that it does not."""

from collections import Counter
from pathlib import Path

from cryoloom.em.names import below_job
from cryoloom.errors import ParameterError
from cryoloom.protocol import Protocol

MICROGRAPH, METADATA, MOVIE = "rlnMicrographName", "rlnMicrographMetadata", "rlnMicrographMovieName"
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


def _movie_of(metadata: Path) -> str:
    from cryoloom import star

    general = star.read(metadata, ["general"])["general"]
    return str(general[MOVIE]) if MOVIE in general else ""


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown
