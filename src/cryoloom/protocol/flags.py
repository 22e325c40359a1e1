"""The words of a command line that declarations say: `Param(flag="--tau2_fudge")`, `Input(flag="--i")`."""

from collections.abc import Collection

from cryoloom.protocol.conditions import holds
from cryoloom.protocol.declare import AUTO, ParamSpec, relion_text
from cryoloom.protocol.protocol import Protocol


def words_of(protocol: Protocol, only: Collection[str] | None = None) -> list[str]:
    """The flags of a protocol's inputs and parameters with this job's values, as far as they count.

    Inputs come first, then parameters, each in the order of the form.

    Args:
        protocol: whose values.
        only: names of inputs and parameters; None: all.
    """
    facts = protocol.facts()
    words: list[str] = []
    for name, spec in protocol.inputs.items():
        path = protocol.given[name].path
        if spec.flag and path and _is_said(name, only) and holds(spec.when, facts):
            words += [*spec.flag.split(), path]
    for name, param in protocol.params.items():
        if (param.flag or param.flag_off) and _is_said(name, only) and holds(param.when, facts):
            words += _words(param, protocol.values[name])
    return words


def _is_said(name: str, only: Collection[str] | None) -> bool:
    return only is None or name in only


def _words(spec: ParamSpec, value: object) -> list[str]:
    if spec.type is bool:
        return (spec.flag if value else spec.flag_off).split()
    if value == AUTO:
        text: str | None = AUTO  # shown as it stands; a job that runs has found its value
    elif spec.written is not None:
        text = spec.written(value)
    else:
        text = relion_text(value) or None
    return [] if text is None else [*spec.flag.split(), text]
