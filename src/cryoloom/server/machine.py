"""This machine: what runs and waits on it in all projects, what is installed."""

from dataclasses import asdict
from pathlib import Path

from fastapi import APIRouter, Request

from cryoloom.api.doctor import diagnose
from cryoloom.api.machine import machine_now
from cryoloom.server.shapes import CheckShape, DiagnosisAnswer, MachineAnswer, SettingShape

router = APIRouter(prefix="/machine", tags=["machine"])


@router.get("")
def machine(request: Request) -> MachineAnswer:
    """Cores, memory, GPUs and disks: what there is, what is taken, by which jobs."""
    only: Path | None = request.app.state.only
    return MachineAnswer.model_validate(machine_now([only] if only is not None else []).as_dict())


@router.get("/doctor")
def doctor(request: Request) -> DiagnosisAnswer:
    """What is installed and what is missing; each setting with its source."""
    only: Path | None = request.app.state.only
    found = diagnose(only)
    return DiagnosisAnswer(
        checks=[CheckShape.model_validate(asdict(check)) for check in found.checks],
        settings=[
            SettingShape(name=one.name, value=str(one.value), source=one.source) for one in found.settings
        ],
    )
