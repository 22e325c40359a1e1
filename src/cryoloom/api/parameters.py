"""A job's parameters as its form shows them, and what differs: from the defaults, and from another job of its kind."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.errors import CryoloomError
from cryoloom.project.foreign import protocol_as_run
from cryoloom.protocol.declare import ParamSpec, relion_text

if TYPE_CHECKING:
    from cryoloom.api.job import Job


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a job. Texts are as they stand in `job.star`; "" of `other` and `default` where there is none."""

    name: str
    label: str
    tab: str
    unit: str
    level: str
    text: str
    default: str
    other: str
    differs_from_default: bool
    differs_from_other: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def parameters_of(job: "Job", other: "Job | None" = None) -> list[Parameter]:
    """All parameters in the order of the form; those that no form of ours knows are last.

    Args:
        job: whose.
        other: beside which; one that lacks a parameter differs in it.
    """
    values = job.params
    beside: Mapping[str, Any] = other.params if other is not None else {}
    try:
        protocol = protocol_as_run(job.entry)
    except CryoloomError:
        protocol = None
    declared: Mapping[str, ParamSpec] = protocol.params if protocol is not None else {}
    names = [*(name for name in declared if name in values or name in beside)]
    names += [name for name in {**values, **beside} if name not in declared]
    return [_parameter(name, declared.get(name), values, beside, other is not None) for name in names]


def _parameter(
    name: str, spec: ParamSpec | None, values: Mapping[str, Any], beside: Mapping[str, Any], has_other: bool
) -> Parameter:
    text, other = (relion_text(known[name]) if name in known else "" for known in (values, beside))
    return Parameter(
        name=name,
        label=spec.label if spec is not None else name,
        tab=spec.tab if spec is not None else "",
        unit=spec.unit if spec is not None else "",
        level=spec.level if spec is not None else "",
        text=text,
        default=relion_text(spec.default) if spec is not None else "",
        other=other,
        differs_from_default=spec is not None and name in values and values[name] != spec.default,
        differs_from_other=has_other and (text != other or (name in values) != (name in beside)),
    )
