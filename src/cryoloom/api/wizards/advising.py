"""Asking a parameter's wizard: which one it has, and what it says of the form as it stands."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from cryoloom.api.given import taken_apart
from cryoloom.api.wizards.advised import Advised, Asked
from cryoloom.errors import CryoloomError, ParameterError, ProjectError
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.protocols import Protocol
from cryoloom.protocol.wizards import (
    BoxSize,
    Form,
    GainOrientation,
    GroupsOfDefocus,
    LowPass,
    MaskDiameter,
    MaskThreshold,
    OwnWizard,
    PickingTrial,
    SymmetryOfMap,
    Wizard,
)
from cryoloom.views.resolve import drawn

if TYPE_CHECKING:
    from cryoloom.api.project import Project


def advise(
    project: "Project", protocol: str, param: str, given: Mapping[str, Any], *, item: str = ""
) -> Advised:
    """What the data say of a parameter's value.

    Args:
        project: whose data.
        protocol: whose form.
        param: which of its parameters.
        given: the form as it stands, inputs and parameters; what does not fit yet is left out.
        item: the micrograph that is looked at, where it is one; the first without a name.
    Raises:
        ParameterError: no such protocol or parameter, one without a wizard, or an input that is looked at is not given yet.
        CryoloomError: a file that cannot be read; what a program says that is tried.
    """
    kind = find_protocol(protocol)
    spec = kind.params.get(param)
    if spec is None or spec.wizard is None:
        known = ", ".join(name for name, one in kind.params.items() if one.wizard is not None)
        raise ParameterError(
            f"{protocol}: parameter {param}",
            found="without a wizard",
            expected=f"one of {known or 'none here'}",
        )
    form = _partly(project, kind, given)
    advised = _look(spec.wizard, Asked(project, form, param, item))
    now = dict(advised.now)
    for slider in advised.sliders:
        value = form.values.get(slider.param)
        if isinstance(value, int | float):
            now.setdefault(slider.param, float(value))
    return replace(advised, now=now)


def _partly(project: "Project", kind: type[Protocol], given: Mapping[str, Any]) -> Protocol:
    """The form with all that fits; a field that is wrong says so itself."""
    values: dict[str, Any] = {}
    inputs: dict[str, Any] = {}
    for name, value in given.items():
        try:
            own, datasets = taken_apart(project.folder, kind, {name: value})
            kind(own, {})
        except CryoloomError:
            continue
        values |= own
        inputs |= datasets
    try:
        return kind(values, inputs)
    except CryoloomError:
        return kind({}, inputs)


def _look(wizard: Wizard, asked: Asked) -> Advised:
    """Asks one of ours, whose module is loaded for it, or a plugin's own."""
    match wizard:
        case MaskDiameter(of=of):
            from cryoloom.api.wizards.mask_diameter import mask_diameter

            return mask_diameter(asked, of)
        case MaskThreshold(of=of):
            from cryoloom.api.wizards.mask_threshold import mask_edges

            return mask_edges(asked, of)
        case LowPass(of=of):
            from cryoloom.api.wizards.low_pass import filtered

            return filtered(asked, of)
        case PickingTrial(of=of):
            from cryoloom.api.wizards.picking import picked

            return picked(asked, of)
        case GroupsOfDefocus(of=of):
            from cryoloom.api.wizards.defocus_groups import grouped

            return grouped(asked, of)
        case GainOrientation(of=of, gain=gain):
            from cryoloom.api.wizards.gain import oriented_ways

            return oriented_ways(asked, of, gain)
        case BoxSize(of=of, micrographs=micrographs):
            from cryoloom.api.wizards.box_size import boxed

            return boxed(asked, of, micrographs)
        case SymmetryOfMap(of=of):
            from cryoloom.api.wizards.symmetry import found_symmetry

            return found_symmetry(asked, of)
        case OwnWizard():
            return _own(wizard, asked)
        case _:
            assert_never(wizard)


def _own(wizard: OwnWizard, asked: Asked) -> Advised:
    """The edge to a plugin: what it raises is told as its fault."""
    for name in wizard.of:
        asked.input(name)
    try:
        advice = wizard.look(Form(asked.root, asked.form.values, asked.form.given))
        parts = [part for block in advice.blocks if (part := drawn(block, asked.root)) is not None]
    except CryoloomError:
        raise
    except Exception as error:
        raise ProjectError(
            f"{asked.form.name}: wizard of {asked.param}", found=f"broken ({type(error).__name__}: {error})",
            expected="advice", hint=f"The fault is in {wizard.look.__module__}; the form is as it was.",
        ) from error  # fmt: skip
    return Advised(parts, advice.said, advice.proposals, advice.sliders)
