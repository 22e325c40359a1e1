"""Making and opening projects, and looking at the installation: new, open, doctor."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from cryoloom._version import __version__
from cryoloom.cli.shell import FAILED, JsonOption, ProjectOption, open_project, print_json, table
from cryoloom.errors import CryoloomError, ProjectError

RELION_PROGRAMS = (
    "relion_refine",
    "relion_refine_mpi",
    "relion_run_motioncorr",
    "relion_preprocess",
    "relion_autopick",
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("new")(new)
    app.command("open")(open_)
    app.command("index")(index)
    app.command("doctor")(doctor)


def new(
    path: Annotated[Path, typer.Argument(help="The project's folder; made where it is missing.")],
    seed: Annotated[int | None, typer.Option(help="Makes the ids of jobs and items repeatable.")] = None,
) -> None:
    """Make a project: a folder that RELION's GUI opens too."""
    from cryoloom.api import Project

    existed = (path / "default_pipeline.star").exists()
    project = Project.create(path, seed=seed)
    print(f"{'Opened' if existed else 'Made'} the project {project.path}")
    if not existed:
        print("Next:")
        print(f"  cd {path}")
        print(
            "  cryoloom run import.movies fn_in_raw='/data/*.tiff' angpix=... kV=300 Cs=2.7 Q0=0.1 --stream"
        )


def open_(
    path: Annotated[Path, typer.Argument(help="A project of RELION or Cryoloom.")],
    as_json: JsonOption = False,
) -> None:
    """Look at a project, also one that RELION made; not a byte of it is changed."""
    from cryoloom.cli.showing import list_jobs

    project = open_project(path)
    if not as_json:
        print(f"{project.path}: {len(project.jobs())} jobs")
        if project.form != "3.1":
            print(f"A project of RELION {project.form}: it can be looked at, and nothing in it is changed.")
    list_jobs(project, as_json=as_json)


def index(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Forget it and make it anew.")] = False,
    project: ProjectOption = None,
) -> None:
    """Say where the index of ended jobs lies; it may be deleted at any time."""
    from cryoloom.project.index import FILE, cache_folder, drop_index, read_index

    opened = open_project(project)
    if rebuild:
        drop_index(opened.path)
        opened.summaries()
    print(f"{cache_folder(opened.path) / FILE}: {len(read_index(opened.path))} jobs that have ended")


def doctor(project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Say what is installed, what is missing and where each setting comes from."""
    from cryoloom.launchers.machine import gpus, this_machine
    from cryoloom.project.settings import KNOWN, load_settings, unknown_settings
    from cryoloom.protocol.declare import near

    try:
        root = open_project(project).path
    except CryoloomError:
        root = None
    settings = load_settings(root)
    checks: list[tuple[str, bool, str]] = [
        ("cryoloom", True, __version__),
        ("python", sys.version_info >= (3, 11), sys.version.split()[0]),
        ("GPUs", True, ", ".join(gpus()) or "none"),
    ]
    try:
        machine = this_machine(settings)
        checks.append(
            ("cores and memory for jobs", True, f"{machine.cores}, {machine.memory_mb / 1024:.3g} GB")
        )
    except ProjectError as error:
        checks.append(("settings", False, str(error)))
    checks.append(("STAR reader", True, _star_reader()))
    folder = settings.get("programs.relion.path")
    for name in (*RELION_PROGRAMS, "mpirun"):
        path = str(Path(str(folder)) / name) if folder and name != "mpirun" else shutil.which(name)
        there = bool(path) and Path(str(path)).exists()
        checks.append((name, there, str(path) if there else "missing: apt-get install relion"))
    checks.append(("RELION version", *_relion_version(checks)))
    for module, extra in (("altair", "plot"), ("vl_convert", "plot"), ("gemmi", "images")):
        there = importlib.util.find_spec(module) is not None
        checks.append((module, there, "installed" if there else f"missing: pip install 'cryoloom[{extra}]'"))
    for name in unknown_settings(settings):
        near_by = near(name, list(KNOWN))
        checks.append(
            (f"setting {name}", False, f"unknown, in {settings.values[name][1]}. {near_by}".strip())
        )
    values = [(name, *settings.values.get(name, ("", "not set"))) for name in KNOWN]
    values += [
        (name, value, source) for name, (value, source) in settings.values.items() if name not in KNOWN
    ]
    if as_json:
        print_json({
            "checks": [{"what": what, "ok": good, "found": found} for what, good, found in checks],
            "settings": [{"name": name, "value": value, "source": source} for name, value, source in values],
        })  # fmt: skip
    else:
        print(
            table(
                ["what", "", "found"],
                [[what, "ok" if good else "MISSING", found] for what, good, found in checks],
            )
        )
        print()
        print(
            table(
                ["setting", "value", "source"], [[name, str(value), source] for name, value, source in values]
            )
        )
    if not all(good for _, good, _ in checks):
        raise typer.Exit(FAILED)


def _star_reader() -> str:
    from cryoloom.star import compiled

    if compiled.library() is not None:
        return "compiled"
    return "in Python, slower: install a C++ compiler (apt-get install g++) and then Cryoloom again"


def _relion_version(checks: list[tuple[str, bool, str]]) -> tuple[bool, str]:
    path = next((found for what, good, found in checks if what == "relion_refine" and good), None)
    if path is None:
        return False, "unknown"
    out = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20)
    words = (out.stdout + out.stderr).split()
    version = next((word for word in words if word[:1].isdigit()), "unknown")
    return version.startswith("3.1"), version
