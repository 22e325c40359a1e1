"""Wizards: what the data say of a parameter's value, for a form as it stands."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from cryoloom.api.wizards.advising import advise
from cryoloom.server.asking import ProjectHere
from cryoloom.server.shapes import Given
from cryoloom.server.views import Pictures

router = APIRouter(prefix="/projects/{key}/wizards", tags=["wizards"])


class ProposalShape(BaseModel):
    """Values that are offered, by parameter."""

    words: str
    values: dict[str, str]


class SliderShape(BaseModel):
    """A parameter that may be moved while one looks."""

    param: str
    low: float
    high: float
    step: float
    now: float | None  # where it stands; None: nobody knows yet


class AdviceAnswer(BaseModel):
    """What a wizard shows: parts as of a view, a sentence, proposals, sliders."""

    parts: list[dict[str, Any]]
    said: str
    proposals: list[ProposalShape]
    sliders: list[SliderShape]
    item: str  # the micrograph that is shown, "" where none is


class WizardAsked(Given):
    item: str = Field("", max_length=1000, description="Which micrograph, where one is looked at")


@router.post("/{param}")
def wizard(
    here: ProjectHere, param: Annotated[str, Path(max_length=200)], asked: WizardAsked, request: Request
) -> AdviceAnswer:
    """Look at the data with the values that stand in the form; nothing of the project is written."""
    kept: Pictures = request.app.state.pictures
    advice = advise(here, asked.protocol, param, asked.given, item=asked.item).as_dict()
    return AdviceAnswer.model_validate(advice | {"parts": [_part(part, kept) for part in advice["parts"]]})


def _part(part: dict[str, Any], kept: Pictures) -> dict[str, Any]:
    if "png" not in part:
        return part
    name = kept.keep(base64.b64decode(part["png"]))
    return {key: value for key, value in part.items() if key != "png"} | {"picture": f"pictures/{name}.png"}
