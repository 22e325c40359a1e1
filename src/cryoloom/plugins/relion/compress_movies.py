"""Movies compressed without loss, as TIFF files."""

from cryoloom.errors import DatasetError
from cryoloom.plugins.relion.options.running import Additional, Threads, call
from cryoloom.protocol import (
    Command,
    Input,
    JobFolder,
    Movies,
    Output,
    Param,
    ProgramProtocol,
    View,
    words_of,
)

MOVIE = "rlnMicrographMovieName"


class CompressMovies(Additional, Threads, ProgramProtocol):
    """Write integer movies as compressed TIFF: the same counts in a third of the room."""

    name = "relion.compress_movies"
    label = "Movie compression"
    cites = ("Zivanov2019",)
    programs = ("relion_convert_to_tiff",)
    next = ("relion.motioncorr",)

    input: Movies = Input(
        "Movies",
        flag="--i",
        help="Of whole numbers (counts); those of real numbers need their gain taken out first.",
    )
    compression: str = Param(
        "auto", "Compression", choices=("auto", "none", "deflate", "lzw"), flag="--compression",
        help="auto: deflate or LZW, by the type of the numbers.",
    )  # fmt: skip
    deflate_level: int = Param(
        6, "Deflate level", ge=1, le=9, flag="--deflate_level", help="9 is smallest and slowest."
    )

    movies: Movies = Output("Compressed movies", "movies.star")

    def command(self, job: JobFolder) -> Command:
        return call(
            self, "relion_convert_to_tiff", ["--o", job.file(""), *words_of(self)], job, control=False
        )

    def name_results(self, job: JobFolder) -> None:
        """RELION writes the files and no table of them; each is looked at before it stands for a movie.

        Raises:
            DatasetError: one is missing, or has other frames than its movie.
        """
        import polars as pl

        from cryoloom import star
        from cryoloom.em.names import without_ending
        from cryoloom.images.headers import read_header

        blocks = star.read(job.root / self.input.path)
        table = star.tables_of(blocks)["movies"]
        names = []
        for movie in (str(name) for name in table[MOVIE].to_list()):
            new = job.file(f"{without_ending(movie)}.tif")
            if not (job.root / new).is_file():
                raise DatasetError(f"{new}", found="missing", expected=f"{movie}, compressed")
            old, own = read_header(job.root / movie), read_header(job.root / new)
            if (old.size, old.frames) != (own.size, own.frames):
                raise DatasetError(
                    f"{new}", found=f"{own.frames} frames of {own.size[0]} x {own.size[1]} px",
                    expected=f"{old.frames} of {old.size[0]} x {old.size[1]}, as {movie} has",
                )  # fmt: skip
            names.append(new)
        star.write(
            job.path / "movies.star", {**blocks, "movies": table.with_columns(pl.Series(MOVIE, names))}
        )

    def finish(self, job: JobFolder) -> str:
        from cryoloom import star

        before, after = (
            sum(
                (job.root / str(name)).stat().st_size
                for name in star.tables_of(star.read(job.root / path))["movies"][MOVIE]
            )
            for path in (self.input.path, job.file("movies.star"))
        )
        return f"{after / 1e6:.1f} MB instead of {before / 1e6:.1f} MB. The movies that were given stay as they are."

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views.imports import micrograph_view

        return [micrograph_view(job.file("movies.star"))]
