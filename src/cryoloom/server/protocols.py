"""Protocols: what there is, and each one's form."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path

from cryoloom.api.protocol_help import help_on, protocols_named
from cryoloom.errors import ParameterError
from cryoloom.server.shapes import ProtocolAnswer, ProtocolLineShape

router = APIRouter(prefix="/protocols", tags=["protocols"])


@router.get("")
def protocols() -> list[ProtocolLineShape]:
    """All protocols that are installed."""
    return [ProtocolLineShape(name=one.name, label=one.label, help=one.help) for one in protocols_named()]


@router.get("/{name}")
def protocol(name: Annotated[str, Path(max_length=200)]) -> ProtocolAnswer:
    """The inputs, parameters and outputs of a protocol."""
    try:
        return ProtocolAnswer.model_validate(asdict(help_on(name)))
    except ParameterError as error:
        raise HTTPException(404, detail=error.as_dict() | {"text": str(error)}) from None
