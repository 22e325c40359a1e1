"""What movies and micrographs have in common when they come from the microscope."""

import fnmatch
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ImageError, ParameterError
from cryoloom.plugins.imports.linking import (
    fixed_part,
    link_or_copy,
    make_folder,
    matching,
    relion_name,
    watchable,
)
from cryoloom.project.item_ids import item_id
from cryoloom.protocol import ADVANCED, JobFolder, Param, SourceProtocol
from cryoloom.protocol.jobs import Found

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.images.headers import ImageHeader

ANGPIX_TOLERANCE = 0.02  # a header's pixel size that differs by more contradicts what was given


class RawFiles(SourceProtocol):
    """Files by a pattern, checked by their headers, linked into the project; streams."""

    folder = "Import"
    relion_type = 0

    fn_in_raw: str = Param(
        "", "Raw input files", help="Patterns with * and ?, several with blanks between them."
    )
    angpix: float = Param(1.4, "Pixel size", unit="Å", gt=0, help="Of the files as they are.")
    kV: float = Param(300, "Voltage", unit="kV", gt=0, help="Of the microscope.")
    Cs: float = Param(
        2.7, "Spherical aberration", unit="mm", ge=0, help="2.7 for a Krios; 0.01 with a corrector."
    )
    Q0: float = Param(0.1, "Amplitude contrast", ge=0, lt=1, help="0.1 is usual, also where it is wrong.")
    beamtilt_x: float = Param(0, "Beamtilt in X", unit="mrad", help="0 when unknown.")
    beamtilt_y: float = Param(0, "Beamtilt in Y", unit="mrad", help="0 when unknown.")
    fn_mtf: str = Param("", "MTF of the detector", help="A STAR file; empty when unknown.")
    optics_group_name: str = Param(
        "opticsGroup1", "Optics group name", help="Where optics_groups names none."
    )
    optics_groups: str = Param(
        "",
        "Optics groups by file name",
        own=True,
        help="`pattern=name` with blanks between: 'single_*=single multi_*=multi'. The first that fits counts.",
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
        0, "Expected width", unit="px", own=True, level=ADVANCED, ge=0, help="0: as the first file."
    )
    height: int = Param(
        0, "Expected height", unit="px", own=True, level=ADVANCED, ge=0, help="0: as the first file."
    )
    frames: int = Param(0, "Expected frames", own=True, level=ADVANCED, ge=0, help="0: as the first file.")

    _file_label = "rlnMicrographName"

    def check(self) -> None:
        super().check()
        if not self.fn_in_raw.strip():
            raise ParameterError(
                f"{self.name}: parameter fn_in_raw", found="empty", expected="a pattern of files",
                hint="For instance fn_in_raw='/data/*.tiff'.",
            )  # fmt: skip
        self._groups()

    def pattern(self) -> str:
        return self.fn_in_raw

    def labels(self) -> list[str]:
        return [self._file_label, "rlnOpticsGroup"]

    def optics(self) -> "pl.DataFrame":
        import polars as pl

        names = [name for _, name in self._groups()]
        names = (
            list(dict.fromkeys([*names, self.optics_group_name])) if not names else list(dict.fromkeys(names))
        )
        columns: dict[str, Any] = {
            "rlnOpticsGroupName": names,
            "rlnOpticsGroup": list(range(1, len(names) + 1)),
        }
        if self.fn_mtf:
            columns["rlnMtfFileName"] = [self.fn_mtf] * len(names)
        facts: dict[str, Any] = {
            "rlnMicrographOriginalPixelSize": self.angpix,
            "rlnVoltage": self.kV,
            "rlnSphericalAberration": self.Cs,
            "rlnAmplitudeContrast": self.Q0,
        }
        if self.beamtilt_x or self.beamtilt_y:
            facts |= {"rlnBeamTiltX": self.beamtilt_x, "rlnBeamTiltY": self.beamtilt_y}
        facts |= self._more_optics()
        columns |= {label: [value] * len(names) for label, value in facts.items()}
        return pl.DataFrame(columns)

    def discover(self, job: JobFolder, seen: set[str]) -> Iterator[tuple[str, Found]]:
        if not self._begin(job):
            return
        below = self._below(job)
        groups = self._groups()
        now = time.monotonic()
        taken: set[str] = self.__dict__.setdefault("_taken", set())
        # Files that were no good, as they were then: a copy that stalled is one, until it goes on.
        failed: dict[Path, tuple[int, int]] = self.__dict__.setdefault("_failed", {})
        changed = [path for path, before in failed.items() if _state_of(path) not in (None, before)]
        for path in (*changed, *matching(self.fn_in_raw, job.root, taken)):
            name = relion_name(path, below)
            item = item_id(f"{job.uuid} {name}")
            if item in seen and path not in failed:
                taken.add(str(path))
                continue
            if self.stream and not self._is_whole(path, now):
                continue
            state = _state_of(path)
            found = self._take(job, path, name, groups)
            failed.pop(path, None)
            if isinstance(found.row, str):
                failed[path] = state or (-1, -1)
            # Before it is given away: who takes it may ask for no more, and begin another look.
            taken.add(str(path))
            yield item, found
        looks = self.__dict__.get("_looks", {})
        for path in [path for path in looks if not path.exists()]:
            del looks[path]  # it had another name in the making

    def folders(self, job: JobFolder) -> Sequence[Path]:
        return watchable(self.fn_in_raw, job.root)

    def pending_s(self) -> float | None:
        looks: dict[Path, tuple[tuple[int, int], float]] = self.__dict__.get("_looks", {})
        if not looks:
            return None
        oldest = min(since for _, since in looks.values())
        return max(0.0, self.file_timeout - (time.monotonic() - oldest))

    def is_open(self, quiet_s: float) -> bool:
        return self.stream and quiet_s < self.timeout

    def notes(self, job: JobFolder) -> list[str]:
        """What relion_import would be called with, one call for each optics group."""
        kind = "--do_movies" if "Movie" in self._file_label else "--do_micrographs"
        file = "movies.star" if "Movie" in self._file_label else "micrographs.star"
        calls = []
        for number, (pattern, name) in enumerate(self._groups() or [("", self.optics_group_name)]):
            source = str(fixed_part(self.fn_in_raw) / pattern) if pattern else self.fn_in_raw
            calls.append(
                f'relion_import {kind} --optics_group_name "{name}" --angpix {self.angpix:g} --kV {self.kV:g} '
                f"--Cs {self.Cs:g} --Q0 {self.Q0:g} --beamtilt_x {self.beamtilt_x:g} "
                f'--beamtilt_y {self.beamtilt_y:g} --i "{source}" --odir {job.name} --ofile {file} '
                f"--pipeline_control {job.name}" + (" --continue" if number else "")
            )
        return calls

    def _begin(self, job: JobFolder) -> bool:
        """Before the first look: whether all that belongs to the files is there."""
        return True

    def _more_optics(self) -> dict[str, Any]:
        return {}

    def _below(self, job: JobFolder) -> Path:
        return (job.root / fixed_part(self.fn_in_raw.split()[0])).resolve()

    def _groups(self) -> list[tuple[str, str]]:
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

    def _is_whole(self, path: Path, now: float) -> bool:
        """Unchanged in two looks; remembered by the file's name."""
        looks: dict[Path, tuple[tuple[int, int], float]] = self.__dict__.setdefault("_looks", {})
        state = _state_of(path)
        if state is None:
            return False
        before, since = looks.get(path, ((-1, -1), now))
        if state != before:
            since = now
            looks[path] = (state, now)
        if now - since < self.file_timeout:
            return False
        del looks[path]
        return True

    def _take(self, job: JobFolder, path: Path, name: str, groups: list[tuple[str, str]]) -> Found:
        from cryoloom.images.headers import read_header

        shown = str(path)
        try:
            header = read_header(path)
        except (ImageError, OSError) as error:
            return Found(shown, str(error))
        wrong = self._contradiction(header)
        if wrong:
            return Found(shown, f"{path.name}: {wrong}")
        group = 1
        if groups:
            fitting = [label for pattern, label in groups if fnmatch.fnmatch(path.name, pattern)]
            if not fitting:
                return Found(shown, f"{path.name} fits none of the patterns in optics_groups")
            group = list(dict.fromkeys(label for _, label in groups)).index(fitting[0]) + 1
        target = f"Movies/{job.name.rstrip('/').rpartition('/')[2]}/{name}"
        make_folder((job.root / target).parent)
        try:
            note = self._bring_in(job, path, target, header)
        except ImageError as error:
            return Found(shown, str(error))
        note = "; ".join(filter(None, [note, *self._remarks(header)]))
        row = {self._file_label: target, "rlnOpticsGroup": group}
        return Found(shown, row, f"{path.name}: {note}" if note else "")

    def _bring_in(self, job: JobFolder, path: Path, target: str, header: "ImageHeader") -> str:
        """Link, or convert where RELION would misread the file."""
        from cryoloom.images.misread import convert_for_relion

        place = job.root / target
        if place.exists():
            return ""
        said = convert_for_relion(path, place)
        if not said:
            link_or_copy(path, place, copy=self.copy)
        return said

    def _contradiction(self, header: "ImageHeader") -> str:
        """How the file differs from what was given, or from the first good one."""
        first: dict[str, int] = self.__dict__.setdefault("_first", {})
        found = {"width": header.size[0], "height": header.size[1], "frames": header.frames}
        for what, value in found.items():
            given = getattr(self, what)
            wanted = given or first.get(what, value)
            if value != wanted:
                whose = "as given" if given else "as the first file has"
                return f"{what} is {value}, expected {wanted}, {whose}"
        first |= found
        return ""

    def _remarks(self, header: "ImageHeader") -> list[str]:
        remarks = list(header.problems)
        if header.angpix and abs(header.angpix / self.angpix - 1) > ANGPIX_TOLERANCE:
            remarks.append(f"its header says {header.angpix:.4g} Å/px, {self.angpix:g} was given and is used")
        return remarks


def _state_of(path: Path) -> tuple[int, int] | None:
    """Size and time of the last change; None of a file that is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
