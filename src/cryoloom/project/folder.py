"""The project folder: its jobs, and the making, naming and removing of jobs.

A folder that RELION made is opened as it is and nothing in it is changed by looking. What
Cryoloom adds lies in `.cryoloom/` and in the jobs' own folders.
"""

import contextlib
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.attempts import write_control
from cryoloom.project.entry import JobEntry
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.forms.jobstar import job_star_of
from cryoloom.project.forms.relion31 import nodes_of
from cryoloom.project.jobspec import JobSpec
from cryoloom.project.jsonfile import read_json_if_there, write_json
from cryoloom.project.notes import write_job_pipeline
from cryoloom.project.registry import find_protocol
from cryoloom.project.relion_lock import PATIENCE_S
from cryoloom.project.sharing import make_shared, shared_as
from cryoloom.protocol.datasets import Dataset, PlainFile, Volume
from cryoloom.protocol.declare import near
from cryoloom.protocol.edge import call_plugin

if TYPE_CHECKING:
    pass

PROJECT_FILE = ".cryoloom/project.json"


class ProjectFolder:
    """A project on disk. Every question is answered from the files; the pipeline is parsed when it has changed."""

    def __init__(self, root: Path) -> None:
        """Open a project.

        Raises:
            ProjectError: the folder is no project.
        """
        self.root = root.resolve()
        self._parsed: tuple[tuple[int, ...], pipe.Pipeline] | None = None
        self._pipeline()

    @classmethod
    def create(cls, root: Path, *, seed: int | None = None) -> "ProjectFolder":
        """Make a new, empty project; an existing one is opened and left as it is.

        Args:
            root: the folder; made where it is missing.
            seed: makes the ids of jobs, and so of items, repeatable.
        Raises:
            ProjectError: not to be written; or it has jobs, and its pipeline file is gone.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            if not (root / pipe.FILE).exists() and not pipe.was_project(root):
                pipe.write_pipeline(root, pipe.Pipeline())
                (root / ".gui_projectdir").touch()
        except OSError as error:
            raise ProjectError(
                f"{root}", found=f"not usable ({error.strerror})", expected="a folder to write to"
            ) from None
        project = cls(root)
        project._identity(seed)
        return project

    def _identity(self, seed: int | None = None) -> dict[str, Any]:
        """The project's id and seed; made with the first thing that Cryoloom writes here."""
        path = self.root / PROJECT_FILE
        identity = read_json_if_there(path)
        if identity is None:
            self.check_form()
            with contextlib.suppress(FileExistsError):
                make_shared(path.parent, self.root)
            identity = {"format": 1, "id": uuid.uuid4().hex, "relion_form": "3.1", "seed": seed}
            write_json(path, identity, sync=True)
        elif seed is not None and identity.get("seed") is None and not self.entries():
            identity = identity | {"seed": seed}
            write_json(path, identity, sync=True)
        return identity

    @property
    def seed(self) -> int | None:
        """What makes its ids repeatable; None of a project whose ids are random."""
        identity = read_json_if_there(self.root / PROJECT_FILE) or {}
        seed = identity.get("seed")
        return seed if isinstance(seed, int) else None

    def _pipeline(self) -> pipe.Pipeline:
        """The pipeline as it is now, to be read only: large projects take long to parse."""
        try:
            stat = (self.root / pipe.FILE).stat()
            stamp: tuple[int, ...] = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        except OSError:
            stamp = ()
        if self._parsed is None or self._parsed[0] != stamp:
            self._parsed = (stamp, pipe.read_pipeline(self.root))
        return self._parsed[1]

    @property
    def form(self) -> str:
        """Of which RELION its pipeline is."""
        return self._pipeline().form

    def check_form(self) -> None:
        """That we may write here.

        Raises:
            ProjectError: the project is RELION 4's or 5's.
        """
        pipe.check_form(self.root, self._pipeline())

    def entries(self) -> list[JobEntry]:
        """All jobs in the order of their numbers."""
        pipeline = self._pipeline()
        outputs: dict[str, list[tuple[str, int]]] = {}
        inputs: dict[str, list[str]] = {}
        types = dict(pipeline.nodes)
        for job, file in pipeline.output_edges:
            outputs.setdefault(job, []).append((file, types.get(file, -1)))
        for file, job in pipeline.input_edges:
            inputs.setdefault(job, []).append(file)
        entries = []
        for process in pipeline.processes:
            name = process.name.rstrip("/")
            alias = "" if process.alias == "None" else process.alias.rstrip("/").partition("/")[2]
            entries.append(
                JobEntry(
                    self.root,
                    name,
                    alias,
                    process.type,
                    process.status,
                    tuple(outputs.get(process.name, ())),
                    tuple(inputs.get(process.name, ())),
                    process.label,
                )
            )
        return entries

    def entry(self, text: str) -> JobEntry:
        """A job by name, number ("job008", "8"), alias, or the name that its workflow gave it.

        Raises:
            ProjectError: there is no such job, or several.
        """
        wanted = text.strip().rstrip("/")
        entries = self.entries()
        number = wanted.rpartition("/")[2].removeprefix("job")
        found = [entry for entry in entries if wanted in (entry.name, entry.alias, _aliased(entry))]
        if not found and number.isdigit() and "/" not in wanted:
            found = [entry for entry in entries if entry.name.endswith(f"/job{int(number):03d}")]
        if not found and wanted:
            found = [entry for entry in entries if (spec := entry.known_spec) and spec.label == wanted]
        if len(found) != 1:
            names = [entry.name for entry in entries]
            known = [*names, *filter(None, (entry.alias for entry in entries))]
            known += [spec.label for entry in entries if (spec := entry.known_spec) and spec.label]
            raise ProjectError(
                f"job {text}",
                found="unknown" if not found else f"ambiguous ({', '.join(entry.name for entry in found)})",
                expected="one of these, by its own name"
                if found
                else f"one of {', '.join(names[-8:])}"
                if names
                else "a job; this project has none yet",
                hint=("" if found else near(wanted, known)) or "`cryoloom ls` lists them.",
            )
        return found[0]

    def next_number(self) -> int:
        """What the next job will be called by, unless somebody else makes one before."""
        return self._pipeline().counter

    def create_job(
        self,
        protocol_name: str,
        values: Mapping[str, Any],
        inputs: Mapping[str, Dataset],
        *,
        wait_for: Sequence[str] = (),
        label: str = "",
        alias: str = "",
        continues: str = "",
        wishes: Mapping[str, Any] | None = None,
        asked: Collection[str] = (),
        begin: Callable[[Path], None] | None = None,
        name: str = "",
    ) -> JobEntry:
        """Make a job: number, folder, `job.json`, `job.star`, its row in the pipeline; `asked` as in `check_job`.

        Args:
            begin: called with the folder before anybody can see that it is a job: who runs it itself claims it here.
            name: that it is to have, such as "Select/job005"; the next number without.
        Raises:
            ParameterError: a value or an input does not fit its declaration.
        """
        from cryoloom.project.checking import check_job  # only who makes a job needs it
        from cryoloom.project.paths import with_straight_files
        from cryoloom.protocol.jobs import JobFolder

        kind = find_protocol(protocol_name)
        protocol = with_straight_files(self.root, kind(values, inputs))
        check_job(self.root, protocol, asked=asked, waits=bool(wait_for))
        identity = self._identity()
        if alias:
            self._check_alias(alias)
        with pipe.changed_pipeline(self.root) as pipeline:
            number = pipeline.counter if not name else self._number_of(name, kind.folder)
            while not name and (self.root / f"{kind.folder}/job{number:03d}").exists():
                number += 1  # left by a command that was killed before the pipeline had its job
            name = f"{kind.folder}/job{number:03d}"
            folder = self.root / name
            make_shared(folder, self.root)
            seed = identity.get("seed")
            repeatable = uuid.uuid5(uuid.NAMESPACE_OID, f"cryoloom {seed} {name}")
            job_id = uuid.uuid4() if seed is None else repeatable
            job = JobFolder(f"{name}/", self.root, job_id.hex)
            outputs: dict[str, Dataset] = call_plugin(protocol, "output_files", job)
            spec = JobSpec(
                job_id.hex,
                name,
                kind.name,
                kind.version,
                protocol.values,
                {key: dataset for key, dataset in protocol.given.items() if dataset},
                tuple(wait_for),
                label,
                outputs=outputs,
                continues=continues,
            )
            make_shared(folder / ".cryoloom" / "attempts", self.root)
            (folder / "job.star").write_text(job_star_of(protocol))
            in_nodes = nodes_of(spec.inputs.values())
            out_nodes = nodes_of(outputs.values())
            pipeline.counter = max(pipeline.counter, number + 1)
            pipeline.processes.append(pipe.Process(f"{name}/", "None", kind.relion_type, pipe.SCHEDULED))
            for file, node_type in (*in_nodes, *out_nodes):
                pipeline.add_node(file, node_type)
            pipeline.input_edges += [(file, f"{name}/") for file, _ in dict.fromkeys(in_nodes)]
            pipeline.output_edges += [(f"{name}/", file) for file, _ in out_nodes]
            write_job_pipeline(self.root, f"{name}/", kind.relion_type, in_nodes, out_nodes)
            # job.json last: a job without it is no job of ours yet.
            if wishes:
                write_control(folder, **wishes)
            if begin is not None:
                begin(folder)
            spec.write(folder)
        with shared_as(self.root):
            pipe.add_nodes_folder(self.root, out_nodes)
        if alias:
            self.set_alias(name, alias)
        return self.entry(name)

    def _number_of(self, name: str, kind: str) -> int:
        """The number in a name that a job is to have.

        Raises:
            ParameterError: it is none for this kind of job, or there is one of this name.
        """
        folder, _, last = name.rstrip("/").partition("/")
        number = last.removeprefix("job")
        if folder != kind or not (
            last.startswith("job") and number.isdigit() and last == f"job{int(number):03d}"
        ):
            raise ParameterError(
                "name", found=repr(name), expected=f"{kind}/job and a number, such as {kind}/job005"
            )
        if (self.root / name).exists():
            raise ParameterError("name", found=f"{name}, which is there", expected="a name that no job has")
        return int(number)

    def set_alias(self, job: str, alias: str) -> None:
        """Give a job a name of one's own, with RELION's symbolic link; "None" or "" takes it away."""
        entry = self.entry(job)
        kind = entry.name.partition("/")[0]
        remove = alias in ("", "None")
        if not remove and alias != entry.alias:
            self._check_alias(alias, entry.name)
        with pipe.changed_pipeline(self.root) as pipeline:
            process = pipeline.process(entry.name)
            assert process is not None
            if entry.alias:
                with contextlib.suppress(FileNotFoundError):
                    (self.root / kind / entry.alias).unlink()
            process.alias = "None" if remove else f"{kind}/{alias}/"
            if not remove:
                link = self.root / kind / alias
                if link.is_symlink():
                    link.unlink()  # no job's, as was checked: left by a command that was killed
                link.symlink_to(f"../{entry.name}/")

    def _check_alias(self, alias: str, own: str = "") -> None:
        if not alias.replace("_", "").replace("-", "").isalnum() or alias.removeprefix("job").isdigit():
            raise ParameterError(
                "alias", found=repr(alias), expected="letters, digits, _ and -, and no job's number"
            )
        for entry in self.entries():
            spec = entry.known_spec
            # A name that a workflow gave counts too: who meant that job by it would get this one.
            if entry.alias == alias or (spec is not None and spec.label == alias and entry.name != own):
                raise ParameterError(
                    "alias",
                    found=f"{alias!r}, by which {entry.name} is known",
                    expected="a name that no other job has",
                )

    def set_statuses(self, statuses: Mapping[str, int], patience_s: float = PATIENCE_S) -> None:
        """Tell the pipeline (and so RELION) the states of jobs; writes only what changed."""
        current = {p.name.rstrip("/"): p.status for p in pipe.read_pipeline(self.root).processes}
        changes = {name: status for name, status in statuses.items() if current.get(name, status) != status}
        if changes:
            with pipe.changed_pipeline(self.root, patience_s) as pipeline:
                for name, status in changes.items():
                    process = pipeline.process(name)
                    if process is not None:
                        process.status = status

    def find_dataset(self, path: str) -> Dataset:
        """The dataset of a file in the project: by the job that makes it, else by its ending."""
        for entry in self.entries():
            for dataset in entry.outputs().values():
                if dataset.path == path:
                    return dataset
        kind = Volume if Path(path).suffix in (".mrc", ".map") else PlainFile
        return kind(path)


def _aliased(entry: JobEntry) -> str:
    return f"{entry.name.partition('/')[0]}/{entry.alias}" if entry.alias else entry.name
