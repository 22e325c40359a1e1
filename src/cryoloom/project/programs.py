"""Where programs lie on this machine, by the settings, and what can be known of one without starting it."""

from collections.abc import Iterable
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.project.settings import Settings, load_settings
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.protocols import Protocol

# RELION's programs carry this sentence where they were built without CUDA, and only there.
_WITHOUT_GPU = b"compiled without CUDA"
# But this one does not say it: without CUDA it divides by the number of GPUs, none, when it starts MotionCor2, and dies.
_OF_SAME_BUILD = {"relion_run_motioncorr": "relion_refine"}


def program_file(name: str, settings: Settings) -> Path | None:
    """The file of a program; None where it is not installed, or only environment modules know where it is."""
    if name.startswith("relion_"):
        if settings.get("programs.relion.modules"):
            return None
        if folder := settings.get("programs.relion.path"):
            path = Path(str(folder)) / name
            return path if path.is_file() else None
    import shutil  # a launch imports this module, and asks for no GPU

    found = shutil.which(name)
    return Path(found) if found else None


def check_gpu_support(root: Path, protocol: Protocol) -> None:
    """That a job which asks for GPUs has programs that can use them. Jobs run on this machine, so its programs count.

    Raises:
        ParameterError: RELION was built without GPU support.
    """
    if protocol.gpus() is None:
        return
    settings = load_settings(root)
    asked = ("use_gpu", "Yes") if protocol.values.get("use_gpu") else ("gpu_ids", repr(protocol.gpus()))
    for name in protocol.programs:
        teller = _OF_SAME_BUILD.get(name, name)
        path = program_file(teller, settings) if teller.startswith("relion_") else None
        if path is not None and is_without_gpu(path):
            raise ParameterError(
                f"{protocol.name}: parameter {asked[0]}", found=f"{asked[1]}, but {path} was built without GPU support",
                expected=("No, or " if asked[0] == "use_gpu" else "") + "a RELION that was built with CUDA",
                hint="The setting programs.relion.path names another one; `cryoloom doctor` shows where it comes from.",
            )  # fmt: skip


def check_other_programs(root: Path, protocol: Protocol) -> None:
    """That programs are there which parameters name for the job's own program to start: CTFFIND, MotionCor2, Gctf.

    Raises:
        ParameterError: one is missing, or may not be executed. Of environment modules nobody knows what they bring.
    """
    named = [name for name, spec in protocol.params.items() if spec.means == "program"]
    if not named:
        return
    import os
    import shutil

    settings, facts = load_settings(root), protocol.facts()
    for name in named:
        text = str(protocol.values[name])
        if not holds(protocol.params[name].when, facts):
            continue
        if "/" not in text and (settings.get("programs.relion.modules") or shutil.which(text)):
            continue
        # RELION starts it in the project's folder.
        path = root / Path(text)
        if "/" in text and path.is_file() and os.access(path, os.X_OK):
            continue
        why = "may not be executed" if "/" in text and path.is_file() else "is not installed"
        raise ParameterError(
            f"{protocol.name}: parameter {name}", found=f"{text or 'nothing'}, which {why}",
            expected="a program in PATH, or the path of one",
            hint=f"Give its path: {name}=/where/it/lies.",
        )  # fmt: skip


def missing_programs(names: Iterable[str], settings: Settings) -> list[str]:
    """Those programs that are not installed. Of environment modules nobody knows what they bring."""
    if settings.get("programs.relion.modules"):
        return []
    mpirun = str(settings.get("programs.relion.mpirun") or "mpirun")
    return [name for name in names if program_file(mpirun if name == "mpirun" else name, settings) is None]


def is_without_gpu(path: Path) -> bool:
    """Whether a program of RELION's was built without GPU support; it is not started."""
    try:
        return _WITHOUT_GPU in path.read_bytes()
    except OSError:
        return False  # the job says so when it starts
