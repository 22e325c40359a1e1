"""`cryoloom-external`: run a protocol of ours from RELION's own Run button.

RELION's External job calls an executable with `--o External/job040/ --in_mics FILE --protocol
ctf.estimate --resmax 6 --j 1`. The `job.star` of a job that RELION lacks names this executable,
so RELION can run it, and copies of it with other values.
"""

import os
import sys
import uuid
from pathlib import Path

from cryoloom import shepherd
from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.launchers.surroundings import job_environment
from cryoloom.project.attempts import make_attempt
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms.jobstar import EXTERNAL_FIELDS, from_argument, input_of
from cryoloom.project.forms.relion31 import nodes_of
from cryoloom.project.jobspec import FILE, JobSpec
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.project.settings import load_settings
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import Protocol
from cryoloom.runner.main import run_attempt

# RELION's flags for an External job's inputs, in the order of its form, and the fields that they stand for.
FLAGS = {
    "in_movies": "in_mov",
    "in_mics": "in_mic",
    "in_parts": "in_part",
    "in_coords": "in_coords",
    "in_3dref": "in_3dref",
    "in_mask": "in_mask",
}


def main() -> int:
    """Entry point; the working directory is the project."""
    try:
        return run(Path.cwd(), arguments(sys.argv[1:]))
    except CryoloomError as error:
        print(f"cryoloom-external: {error}", file=sys.stderr)
        return 2


def arguments(words: list[str]) -> dict[str, str]:
    """`--name value` pairs, as RELION writes them; a name without a value is empty."""
    found: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word[2:]
            found[name] = ""
        elif name:
            found[name] = f"{found[name]} {word}".strip()
    return found


def run(root: Path, given: dict[str, str]) -> int:
    """Describe the job where RELION made its folder, and run it there.

    Raises:
        ParameterError: no folder, no protocol, or values that do not fit.
    """
    if "o" not in given:
        raise ParameterError(
            "argument --o", found="missing", expected="the job's folder", hint="RELION gives it."
        )
    # RELION's window passes on all that the shell had which it was started from.
    environment = job_environment(os.environ, load_settings(root))
    os.environ.clear()
    os.environ.update(environment)
    name = given["o"].rstrip("/")
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists():
        describe(root, name, given)
    attempt = make_attempt(folder)
    if attempt is None or not shepherd.claim(str(attempt), uuid.uuid4().hex, os.getsid(0)):
        raise ParameterError(f"{name}", found="being run already", expected="a job that rests")
    code = run_attempt(root, name, int(attempt.name))
    shepherd.finish(str(attempt), {"ended_by": "exit", "code": code, "why": ""})
    return code


def describe(root: Path, name: str, given: dict[str, str]) -> None:
    """Write the `job.json` of a job that RELION made, and tell RELION its outputs."""
    kind = find_protocol(given.get("protocol", ""))
    values = {key: from_argument(word) for key, word in given.items() if key in kind.params and word}
    project = ProjectFolder(root)
    inputs: dict[str, Dataset] = {}
    for key, word in given.items():
        target = key.replace(".", "#")
        if target.partition("#")[0] in kind.inputs and word:
            inputs[target] = _dataset(project, kind, target, from_argument(word))
    for flag, field in FLAGS.items():
        if given.get(flag) and (target := input_of(kind, EXTERNAL_FIELDS[field], inputs)):
            inputs[target] = _dataset(project, kind, target, given[flag])
    inputs = {target: inputs[target] for target in sorted(inputs, key=_place)}
    protocol = kind(values, inputs)
    call_plugin(protocol, "check")
    job = JobFolder(f"{name}/", root, uuid.uuid4().hex)
    outputs: dict[str, Dataset] = call_plugin(protocol, "output_files", job)
    (root / name / ".cryoloom" / "attempts").mkdir(parents=True, exist_ok=True)
    spec = JobSpec(
        job.uuid, name, kind.name, kind.version, protocol.values, _given(protocol), outputs=outputs
    )
    spec.write(root / name)
    _tell_outputs(root / name, outputs)


def _place(target: str) -> tuple[str, int]:
    """The order of `input`, `input#2`, ..., `input#10`."""
    base, _, number = target.partition("#")
    return base, int(number or 1)


def _dataset(project: ProjectFolder, kind: type[Protocol], name: str, path: str) -> Dataset:
    """The dataset of a file, with the job that makes it; where that still runs, it is followed."""
    return resolve_input(project, kind.input_spec(name), path, kind.name)


def _given(protocol: Protocol) -> dict[str, Dataset]:
    return {key: dataset for key, dataset in protocol.given.items() if dataset}


def _tell_outputs(folder: Path, outputs: dict[str, Dataset]) -> None:
    rows = "".join(f"{path} {number}\n" for path, number in nodes_of(outputs.values()))
    head = "data_output_nodes\nloop_\n_rlnPipeLineNodeName #1\n_rlnPipeLineNodeType #2\n"
    beside = folder / f".nodes.{os.getpid()}"
    beside.write_text(head + rows)
    beside.replace(folder / "RELION_OUTPUT_NODES.star")
