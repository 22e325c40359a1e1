"""What a site has already, as a section of ours: a script of RELION's, cryoSPARC's `cluster_info.json`, Scipion's `hosts.conf`.

Pure but for reading the files. What is understood is told; what is not is told as well, and nothing is guessed in silence.
"""

import configparser
import json
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryoloom.errors import LaunchError
from cryoloom.launchers.site import BY_COMMAND
from cryoloom.launchers.templates import Filling, form_of, starts_ranks, values_of, variables_of

_COMMANDS = {"relion": {"command"}, "scipion": {"JOB_COMMAND"}, "jinja": {"command", "run_cmd"}}


@dataclass(frozen=True, slots=True)
class Adopted:
    """A section of the settings, the template that goes with it, and what is to be said."""

    values: Mapping[str, Any]
    template: str = ""  # text to be kept; "": the file that `values` names is used where it lies
    questions: tuple[
        str, ...
    ] = ()  # of the template, each with its default in `values`, or asked with each job
    said: tuple[str, ...] = field(default=())


def system_here() -> str:
    """The batch system whose commands are in PATH; "" where there is none."""
    if shutil.which("sbatch"):
        return "slurm"
    if shutil.which("bsub"):
        return "lsf"
    if shutil.which("qsub"):
        return "sge" if shutil.which("qconf") else "pbs"
    return ""


def adopted(file: Path, system: str = "") -> Adopted:
    """What a file of a site's says.

    Args:
        file: a script, `cluster_info.json` (with `cluster_script.sh` beside it), or `hosts.conf`.
        system: which it is for, where the file does not tell.
    Raises:
        LaunchError: it is none of these, or lacks the place for the command.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise LaunchError(
            f"{file}", found=f"not readable ({reason})", expected="a submission script"
        ) from None
    if file.suffix == ".json":
        return _of_cryosparc(file, text)
    if "SUBMIT_TEMPLATE" in text:
        return _of_scipion(file, text)
    form = form_of(text)
    check_template(text, file)
    questions = questions_of(text)
    found = system or _system_of_script(text) or system_here()
    whose = {"relion": "RELION's form", "scipion": "Scipion's form", "jinja": "Jinja"}[form]
    said = [f"{file.name} is a script in {whose}, for {found or 'no system'}"]
    if starts_ranks(text):
        said.append(
            "it starts MPI ranks itself, which is left out: a job starts its own, with programs.relion.mpirun"
        )
    return Adopted({"system": found, "template": str(file.resolve())}, "", questions, (*said,))


def questions_of(text: str) -> tuple[str, ...]:
    """What a template asks that is not known of a job: a site's own questions."""
    known = values_of(Filling((), "", "", "", "", ""), form_of(text))
    return (*sorted(variables_of(text) - known.keys()),)


def check_template(text: str, file: Path) -> None:
    """That a template has a place for the job's command.

    Raises:
        LaunchError: it has none: the job would never be started.
    """
    form = form_of(text)
    if not variables_of(text) & _COMMANDS[form]:
        raise LaunchError(
            f"{file}", found="a script without a place for the command",
            expected="{{ command }}, {{ run_cmd }}, XXXcommandXXX or %_(JOB_COMMAND)s in it",
        )  # fmt: skip


def _of_cryosparc(file: Path, text: str) -> Adopted:
    try:
        info = json.loads(text)
    except ValueError as error:
        raise LaunchError(
            f"{file}", found=f"not usable ({error})", expected="cryoSPARC's cluster_info.json"
        ) from None
    submit = str(info.get("qsub_cmd_tpl", "")) if isinstance(info, dict) else ""
    script = file.with_name("cluster_script.sh")
    if not submit or not script.is_file():
        raise LaunchError(
            f"{file}", found="without qsub_cmd_tpl" if not submit else "without cluster_script.sh beside it",
            expected="both, as `cryosparcm cluster dump` writes them",
        )  # fmt: skip
    template = script.read_text(encoding="utf-8")
    check_template(template, script)
    first = Path(shlex.split(submit)[0]).name
    values: dict[str, Any] = {
        "system": BY_COMMAND.get(first, system_here()),
        "template": str(script.resolve()),
    }
    said = [f"{submit}: {values['system'] or 'no known system'}"]
    prefix = str(info.get("send_cmd_tpl", "{{ command }}")).replace("{{ command }}", "").strip()
    if prefix:
        values["submit"] = f"{prefix} {_without_script(submit)}"
        said.append(
            f"commands are sent by {prefix!r}; only `submit` is: states and cancelling are asked for here"
        )
    return Adopted(values, "", questions_of(template), (*said,))


def _of_scipion(file: Path, text: str) -> Adopted:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise LaunchError(f"{file}", found=f"not usable ({error})", expected="Scipion's hosts.conf") from None
    hosts = [name for name in parser.sections() if parser.has_option(name, "SUBMIT_TEMPLATE")]
    host = "localhost" if "localhost" in hosts else hosts[0]
    section = dict(parser.items(host))
    template = section["SUBMIT_TEMPLATE"].lstrip("\n")
    check_template(template, file)
    submit = section.get("SUBMIT_COMMAND", "qsub %_(JOB_SCRIPT)s")
    words = shlex.split(submit)
    values: dict[str, Any] = {"system": BY_COMMAND.get(Path(words[0]).name, system_here())}
    said = [f"{file.name}, section {host}: {submit}: {values['system'] or 'no known system'}"]
    try:
        queues = json.loads(section.get("QUEUES", "{}"))
    except ValueError:
        queues, said = {}, [*said, "QUEUES is no JSON, and is left out"]
    names = [*queues]
    if names:
        values["queue"] = names[0]
        said.append(f"queues: {', '.join(names)}; {names[0]} is taken where a job names none")
    for question in queues.get(names[0], []) if names else []:
        values[f"extra.{question[0]}"] = str(question[1])
        said.append(
            f"{question[0]} ({question[2] if len(question) > 2 else ''}): {question[1]} unless a job says otherwise"
        )
    questions = questions_of(template)
    return Adopted(values, template, questions, (*said,))


def _without_script(command: str) -> str:
    words = [word for word in re.sub(r"\{\{.*?\}\}", "", command).split() if word]
    return shlex.join(words)


def _system_of_script(text: str) -> str:
    for mark, system in (("#SBATCH", "slurm"), ("#PBS", "pbs"), ("#BSUB", "lsf"), ("#$ ", "sge")):
        if re.search(rf"(?m)^{re.escape(mark)}", text):
            return system
    return ""
