"""Protocols: what there is, and each one's form."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from cryoloom.api.help_search import search_help
from cryoloom.api.protocol_help import help_on, protocols_named
from cryoloom.errors import ParameterError
from cryoloom.server.shapes import HitsAnswer, ProtocolAnswer, ProtocolLineShape

router = APIRouter(prefix="/protocols", tags=["protocols"])
helps_router = APIRouter(prefix="/help", tags=["protocols"])
MOST_HITS = 60


@router.get("")
def protocols() -> list[ProtocolLineShape]:
    """All protocols that are installed."""
    return [ProtocolLineShape(name=one.name, label=one.label, help=one.help) for one in protocols_named()]


@helps_router.get("")
def help_on_words(words: Annotated[str, Query(min_length=1, max_length=200)]) -> HitsAnswer:
    """What words may mean: protocols, parameters, labels of STAR files; nothing where nobody knows them."""
    try:
        found = search_help(words)
    except ParameterError:
        return HitsAnswer(hits=[], labels=[])
    return HitsAnswer.model_validate(
        {name: value[:MOST_HITS] for name, value in found.as_dict().items() if name != "protocol"}
    )


@router.get("/{name}")
def protocol(name: Annotated[str, Path(max_length=200)]) -> ProtocolAnswer:
    """The inputs, parameters and outputs of a protocol."""
    try:
        return ProtocolAnswer.model_validate(asdict(help_on(name)))
    except ParameterError as error:
        raise HTTPException(404, detail=error.as_dict() | {"text": str(error)}) from None
