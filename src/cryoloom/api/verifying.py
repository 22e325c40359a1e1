"""What has changed since jobs were made: files that were edited, replaced or are gone, programs of another version."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom._version import __version__
from cryoloom.errors import UnreadableError
from cryoloom.project import trash
from cryoloom.project.entry import JobEntry
from cryoloom.project.fingerprints import Fingerprint, as_table, fingerprint, from_table, whole_digest
from cryoloom.project.records import WHOLE, ProgramUsed, Record, read_files, read_record
from cryoloom.project.settings import load_settings
from cryoloom.runner.recording import program_now

if TYPE_CHECKING:
    from cryoloom.api.project import Project


@dataclass(frozen=True, slots=True)
class JobVerified:
    """What is not as it was when a job was over.

    `changed`: files with other contents, with what was found; `gone`: files that are not there; `cleaned`: those that lie
    in `Trash/`, where `cryoloom clean` put them, which is no change; `inputs`: those that it read, and that hold something
    else now; `programs`: those that are other ones now; `unknown`: why nothing can be said, "" where it can; `first_read`:
    files that were read whole for the first time, so that nothing was there to compare every byte with.
    """

    job: str
    protocol: str
    files: int = 0
    changed: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    cleaned: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    unknown: str = ""
    first_read: int = 0

    @property
    def is_as_it_was(self) -> bool:
        return not (self.changed or self.gone or self.inputs or self.programs or self.unknown)


@dataclass(frozen=True, slots=True)
class Verified:
    """All jobs that were looked at. `is_whole`: by every byte, not by samples."""

    jobs: tuple[JobVerified, ...]
    is_whole: bool

    @property
    def is_as_it_was(self) -> bool:
        return all(job.is_as_it_was for job in self.jobs)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def verified(project: "Project", jobs: Sequence[str] = (), *, whole: bool = False) -> Verified:
    """Compare files and programs of jobs with what was written down when they were over.

    Args:
        project: whose jobs.
        jobs: names, numbers or aliases; without any, all that have ended.
        whole: also by every byte: the first time they are written down, then compared.
    Raises:
        ProjectError: no such job.
    """
    wanted = {project.folder.entry(job).name for job in jobs}
    entries = [
        entry
        for entry in project.folder.entries()
        if entry.name in wanted or (not wanted and _is_over(entry))
    ]
    now = _Now(project.path, {})
    return Verified(tuple(_verify(entry, now, whole) for entry in entries), whole)


@dataclass(frozen=True)
class _Now:
    """The machine as it is, each program asked once."""

    root: Path
    known: dict[str, ProgramUsed | None]

    def program(self, name: str) -> ProgramUsed | None:
        if name not in self.known:
            self.known[name] = program_now(name, load_settings(self.root), self.root)
        return self.known[name]


def _is_over(entry: JobEntry) -> bool:
    """Whether it has run, and has ended; one that was only made has not."""
    status = entry.look()
    return status.has_ended and (entry.known_spec is None or status.attempt is not None)


def _verify(entry: JobEntry, now: _Now, whole: bool) -> JobVerified:
    if not _is_over(entry):
        return JobVerified(entry.name, entry.protocol, unknown="it has not ended")
    try:
        record, files = read_record(entry.folder), read_files(entry.folder)
    except UnreadableError as error:
        return JobVerified(entry.name, entry.protocol, unknown=str(error))
    if record is None:
        made_by = "RELION" if entry.known_spec is None else "an older Cryoloom"
        return JobVerified(
            entry.name, entry.protocol, unknown=f"nothing was written down: it was made by {made_by}"
        )
    changed, gone = _compared(now.root, files)
    first_read = 0
    if whole:
        others, first_read = _by_every_byte(
            now.root, entry.folder, [name for name in files if name not in {*changed, *gone}]
        )
        changed |= others
    cleaned = [name for name in gone if (now.root / trash.FOLDER / name).exists()]
    gone = [name for name in gone if name not in {*cleaned}]
    other, missing = _compared(now.root, record.inputs)
    other |= dict.fromkeys(missing, "gone")
    return JobVerified(
        entry.name,
        entry.protocol,
        len(files),
        changed,
        tuple(gone),
        tuple(cleaned),
        other,
        _programs(record, now),
        first_read=first_read,
    )


def _compared(root: Path, files: Mapping[str, Fingerprint]) -> tuple[dict[str, str], list[str]]:
    """The files whose contents are others now, and those that are gone."""
    changed: dict[str, str] = {}
    gone = []
    for name, was in files.items():
        try:
            is_now = fingerprint(root / name)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            gone.append(name)
            continue
        except OSError as error:
            changed[name] = f"not readable ({error.strerror})"
            continue
        if is_now != was:
            changed[name] = (
                f"{is_now.size} bytes, was {was.size}" if is_now.size != was.size else "other contents"
            )
    return changed, gone


def _by_every_byte(root: Path, folder: Path, names: Sequence[str]) -> tuple[dict[str, str], int]:
    """The files whose SHA-256 is another than when it was first asked for, and how many are asked for now for the first time.

    These are written down.
    """
    path = folder / WHOLE
    known = from_table(path.read_text(encoding="utf-8"), str(path)) if path.exists() else {}
    changed = {}
    first_read = sum(name not in known for name in names)
    for name in names:
        found = Fingerprint((root / name).stat().st_size, whole_digest(root / name))
        if known.setdefault(name, found) != found:
            changed[name] = "other contents, between the samples"
    path.write_text(as_table(known), encoding="utf-8")
    return changed, first_read


def _programs(record: Record, now: _Now) -> dict[str, str]:
    found = {}
    for name, used in record.programs.items():
        is_now = now.program(name)
        was = f"{used.version or 'of unknown version'}{f' ({used.path})' if used.path else ''}"
        if is_now is None:
            found[name] = f"missing now; was {was}"
        elif is_now.version != used.version:
            found[name] = f"{is_now.version or 'of unknown version'} now ({is_now.path}), was {was}"
        elif is_now.digest != used.digest:
            found[name] = f"another build of {used.version or 'the same'} now ({is_now.path}), was {was}"
    if record.cryoloom != __version__:
        found["cryoloom"] = f"version {__version__} now, was {record.cryoloom}"
    return found
