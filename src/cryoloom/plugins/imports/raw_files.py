"""What movies and micrographs have in common when they come from the microscope."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from cryoloom.em.names import Names
from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.plugins.imports.linking import link_or_copy
from cryoloom.plugins.imports.patterns import fixed_part, matching, patterns_of, said_patterns
from cryoloom.plugins.imports.raw_search import RawSearch, import_folder
from cryoloom.protocol import ADVANCED, JobFolder, Param, SourceProtocol
from cryoloom.protocol.jobs import Search, Taken

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.images.headers import ImageHeader

ANGPIX_TOLERANCE = 0.02  # a header's pixel size that differs by more contradicts what was given


class RawFiles(SourceProtocol):
    """Files by a pattern, checked by their headers, linked into the project; streams."""

    folder = "Import"
    relion_type = 0
    companions: ClassVar[tuple[str, ...]] = ("fn_mtf",)  # files that belong to all

    fn_in_raw: str = Param(
        "", "Raw input files",
        help="Patterns with * and ?, several with blanks between them; a blank of a name stands between quotes.",
    )  # fmt: skip
    angpix: float = Param(
        1.4, "Pixel size", unit="Å", gt=0, usual=(0.1, 20), help="Of the files as they are."
    )
    kV: float = Param(300, "Voltage", unit="kV", gt=0, usual=(60, 400), help="Of the microscope.")
    Cs: float = Param(
        2.7,
        "Spherical aberration",
        unit="mm",
        ge=0,
        usual=(0, 8),
        help="2.7 for a Krios; 0.01 with a corrector.",
    )
    Q0: float = Param(
        0.1, "Amplitude contrast", ge=0, lt=1, usual=(0, 0.5), help="0.1 is usual, also where it is wrong."
    )
    beamtilt_x: float = Param(0, "Beamtilt in X", unit="mrad", usual=(-20, 20), help="0 when unknown.")
    beamtilt_y: float = Param(0, "Beamtilt in Y", unit="mrad", usual=(-20, 20), help="0 when unknown.")
    fn_mtf: str = Param(
        "", "MTF of the detector", means="file", later="stream", help="A STAR file; empty when unknown."
    )
    optics_group_name: str = Param(
        "opticsGroup1", "Optics group name", help="Where optics_groups names none."
    )
    optics_groups: str = Param(
        "",
        "Optics groups by file name",
        own=True,
        help="`pattern=name` with blanks between: 'single_*=single gridB/*=multi'. The first that fits counts.",
    )
    stream: bool = Param(
        False, "Data come while we process?", tab="Streaming", own=True, help="Go on looking for files."
    )
    timeout: float = Param(
        43200, "Stop when nothing new comes for", unit="s", tab="Streaming", gt=0, own=True, when="stream",
        help="The stream is then closed. `cryoloom stop JOB --stream` closes it at once.",
    )  # fmt: skip
    file_timeout: float = Param(
        2, "A file is whole when unchanged for", unit="s", tab="Streaming", ge=0, own=True, when="stream",
        help="Size and time of change must be equal in two looks so far apart.",
    )  # fmt: skip
    copy: bool = Param(
        False, "Copy the files?", own=True, level=ADVANCED, help="No: link them where they are."
    )
    width: int = Param(
        0, "Expected width", unit="px", own=True, level=ADVANCED, ge=0, help="0: as most files have."
    )
    height: int = Param(
        0, "Expected height", unit="px", own=True, level=ADVANCED, ge=0, help="0: as most files have."
    )
    frames: int = Param(0, "Expected frames", own=True, level=ADVANCED, ge=0, help="0: as most files have.")

    file_label: ClassVar[str] = "rlnMicrographName"

    def check(self) -> None:
        super().check()
        if not self.fn_in_raw.strip():
            raise ParameterError(
                f"{self.name}: parameter fn_in_raw", found="empty", expected="a pattern of files",
                hint="For instance fn_in_raw='/data/*.tiff'.",
            )  # fmt: skip
        patterns_of(self.fn_in_raw, Path("/"), f"{self.name}: parameter fn_in_raw")
        self.groups()

    def check_defaults(self, root: Path, asked: Collection[str]) -> None:
        # What is not the default was given, if not now.
        if "angpix" in asked or self.angpix != self.params["angpix"].default:
            return
        from cryoloom.images.headers import read_header

        where = f"{self.name}: parameter angpix"
        for path in matching(patterns_of(self.fn_in_raw, root, where)):
            try:
                angpix = read_header(path).angpix
            except (CryoloomError, OSError):
                continue  # the job says what is wrong with it
            # A header of 1 Å/px was mostly never filled in.
            if angpix and angpix != 1.0 and abs(angpix / self.angpix - 1) > ANGPIX_TOLERANCE:
                raise ParameterError(
                    where, found=f"not given, and the header of {path} says {angpix:.4g} Å/px",
                    expected=f"angpix={angpix:.4g}, or another if the header is wrong",
                )  # fmt: skip
            return

    def pattern(self) -> str:
        return self.fn_in_raw

    def patterns(self, job: JobFolder) -> list[str]:
        """The patterns, absolute."""
        return patterns_of(self.fn_in_raw, job.root, f"{self.name}: parameter fn_in_raw")

    def labels(self) -> list[str]:
        return [self.file_label, "rlnOpticsGroup"]

    def begin(self, job: JobFolder, taken: Taken) -> Search:
        return RawSearch.begin(self, job, taken)

    def is_open(self, quiet_s: float) -> bool:
        return self.stream and quiet_s < self.timeout

    def optics_table(self, extras: Mapping[str, str]) -> "pl.DataFrame":
        """One row a group; `extras`: links of what belongs to the files."""
        import polars as pl

        names = list(dict.fromkeys(name for _, name in self.groups())) or [self.optics_group_name]
        columns: dict[str, Any] = {
            "rlnOpticsGroupName": names,
            "rlnOpticsGroup": list(range(1, len(names) + 1)),
        }
        if self.fn_mtf:
            columns["rlnMtfFileName"] = [extras.get("fn_mtf", self.fn_mtf)] * len(names)
        facts: dict[str, Any] = {
            "rlnMicrographOriginalPixelSize": self.angpix,
            "rlnVoltage": self.kV,
            "rlnSphericalAberration": self.Cs,
            "rlnAmplitudeContrast": self.Q0,
        }
        if self.beamtilt_x or self.beamtilt_y:
            facts |= {"rlnBeamTiltX": self.beamtilt_x, "rlnBeamTiltY": self.beamtilt_y}
        facts |= self.more_optics(extras)
        columns |= {label: [value] * len(names) for label, value in facts.items()}
        return pl.DataFrame(columns)

    def notes(self, job: JobFolder) -> list[str]:
        """What relion_import would be called with, one call for each optics group, or each pattern: it takes one alone."""
        kind = "--do_movies" if "Movie" in self.file_label else "--do_micrographs"
        file = "movies.star" if "Movie" in self.file_label else "micrographs.star"
        mtf = f"--optics_group_mtf {self.fn_mtf} " if self.fn_mtf else ""
        sources = [(str(fixed_part(self.fn_in_raw) / pattern), name) for pattern, name in self.groups()]
        if not sources:
            sources = [(pattern, self.optics_group_name) for pattern in said_patterns(self.fn_in_raw)]
        return [
            f'relion_import {kind} --optics_group_name "{name}" {mtf}--angpix {self.angpix:g} --kV {self.kV:g} '
            f"--Cs {self.Cs:g} --Q0 {self.Q0:g} --beamtilt_x {self.beamtilt_x:g} "
            f'--beamtilt_y {self.beamtilt_y:g} --i "{source}" --odir {job.name} --ofile {file} '
            f"--pipeline_control {job.name}" + (" --continue" if number else "")
            for number, (source, name) in enumerate(sources)
        ]

    def bring_along(self, job: JobFolder, names: Names, said: list[str]) -> dict[str, str] | None:
        """Links of the files that belong to all, by parameter; None while one of a stream is not there yet.

        Args:
            job: the import.
            names: those that are given already.
            said: gets what was converted.
        Raises:
            ParameterError: one is missing.
        """
        links = {}
        for parameter in self.companions:
            given = str(self.values[parameter])
            if not given:
                continue
            source = job.root / Path(given).expanduser()
            if not source.is_file():
                if self.stream:
                    return None  # a session may bring its gain reference with its first movies
                raise ParameterError(
                    f"{self.name}: parameter {parameter}",
                    found=f"{given}, which is missing",
                    expected="a file",
                )
            # A name in the project, without a path of this machine.
            links[parameter] = f"{import_folder(job)}/{names.give(parameter, source.name)}"
            words = self.bring_companion(parameter, source, job.root / links[parameter])
            said += [f"{source.name}: {words}."] if words else []
        return links

    def bring_companion(self, parameter: str, source: Path, target: Path) -> str:
        """Bring one of them into the project; returns what was converted."""
        link_or_copy(source, target, copy=self.copy)
        return ""

    def more_optics(self, extras: Mapping[str, str]) -> dict[str, Any]:
        """What else an optics group says."""
        return {}

    def is_name_free(self, job: JobFolder, name: str, source: Path) -> bool:
        """Whether a name may be given to a file, as far as other imports go."""
        return True

    def groups(self) -> list[tuple[str, str]]:
        """Pattern and name of each optics group.

        Raises:
            ParameterError: a word that is no pair.
        """
        pairs = []
        for word in self.optics_groups.split():
            pattern, sign, name = word.partition("=")
            if not (pattern and sign and name):
                raise ParameterError(
                    f"{self.name}: parameter optics_groups", found=repr(word), expected="pattern=name",
                    hint="For instance 'single_*=single multi_*=multi'.",
                )  # fmt: skip
            pairs.append((pattern, name))
        return pairs

    def bring_in(self, job: JobFolder, path: Path, target: str, header: "ImageHeader") -> str:
        """Link it, or convert it where RELION would misread it; returns what was done."""
        from cryoloom.images.misread import check_frames, convert_for_relion

        if header.frames > 1:
            check_frames(path, header)
        said = convert_for_relion(path, job.root / target)
        if not said:
            link_or_copy(path, job.root / target, copy=self.copy)
        return said

    def refusal(self, header: "ImageHeader") -> str:
        """Why a file cannot be one of these, "" where it can."""
        return ""

    def compared(self, header: "ImageHeader") -> dict[str, int]:
        """What of a file should be as most files have it."""
        return {"width": header.size[0], "height": header.size[1], "frames": header.frames}

    def remarks(self, header: "ImageHeader") -> list[str]:
        """What is to be said of a file that is taken."""
        from cryoloom.images.misread import is_float, looked_through

        remarks = list(header.problems)
        if header.frames > 1 and is_float(header) and len(looked_through(header)) < header.frames:
            # Of many files it is said once, with their number.
            *firsts, last = looked_through(header)
            remarks.append(
                f"of its {header.frames} frames of floats, {', '.join(map(str, firsts))} and {last} were looked through "
                "for pixels that are no numbers"
            )
        if header.angpix and abs(header.angpix / self.angpix - 1) > ANGPIX_TOLERANCE:
            remarks.append(f"its header says {header.angpix:.4g} Å/px, angpix={self.angpix:g} is used")
        return remarks
