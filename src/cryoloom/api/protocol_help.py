"""Help on protocols, made from their declarations: what a form, a page or the command line shows."""

from dataclasses import asdict, dataclass
from typing import Any

from cryoloom.errors import ParameterError
from cryoloom.project.catalogue import ProtocolLine, protocol_lines
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.declare import InputSpec, ParamSpec, relion_text
from cryoloom.protocol.protocols import Protocol, SourceProtocol
from cryoloom.protocol.wizards import title_of


@dataclass(frozen=True, slots=True)
class InputHelp:
    """One input."""

    name: str
    label: str
    kind: str
    optional: bool
    several: bool
    streams: bool
    help: str
    when: str


@dataclass(frozen=True, slots=True)
class ParamHelp:
    """One parameter."""

    name: str
    label: str
    tab: str
    type: str
    default: Any
    default_text: str  # as it stands in job.star
    unit: str
    level: str
    limits: str
    choices: tuple[str, ...]
    means: str  # what a text names: a file, a point group, columns; see `Param`
    of: str  # the input whose columns or classes
    when: str
    help: str
    relion: bool  # one of RELION's job options
    flag: str  # on the program's command line; "" where it stands in none by itself
    wizard: str  # what helps to find a value, as it stands on its button; "" where nothing does


@dataclass(frozen=True, slots=True)
class OutputHelp:
    """One output."""

    name: str
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class ProtocolHelp:
    """Everything a user needs to know to run a protocol."""

    name: str
    label: str
    help: str
    folder: str
    programs: tuple[str, ...]
    inputs: tuple[InputHelp, ...]
    params: tuple[ParamHelp, ...]
    outputs: tuple[OutputHelp, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def protocols_named(start: str = "") -> list[ProtocolLine]:
    """All protocols whose names begin so."""
    return [line for line in protocol_lines() if line.name.startswith(start)]


def is_source(protocol: str) -> bool:
    """Whether jobs of it take what comes from outside, such as an import of movies."""
    try:
        return issubclass(find_protocol(protocol), SourceProtocol)
    except ParameterError:
        return False  # nobody here knows it


def help_on(protocol: str) -> ProtocolHelp:
    """Help on one protocol.

    Raises:
        ParameterError: there is none of that name.
    """
    return help_of(find_protocol(protocol))


def help_of(kind: type[Protocol]) -> ProtocolHelp:
    """The declaration of a protocol, in words."""
    return ProtocolHelp(
        name=kind.name,
        label=kind.label,
        help=kind.__doc__ or "",
        folder=kind.folder,
        programs=kind.programs,
        inputs=tuple(_input(spec) for spec in kind.inputs.values()),
        params=tuple(_param(spec) for spec in kind.params.values()),
        outputs=tuple(
            OutputHelp(spec.name, spec.label, spec.kind.kind) for spec in kind.outputs_declared.values()
        ),
    )


def _input(spec: InputSpec) -> InputHelp:
    return InputHelp(
        name=spec.name,
        label=spec.label,
        kind=spec.kind.kind,
        optional=spec.optional,
        several=spec.several,
        streams=spec.streams,
        help=spec.help,
        when=spec.when,
    )


def _param(spec: ParamSpec) -> ParamHelp:
    return ParamHelp(
        name=spec.name,
        label=spec.label,
        tab=spec.tab,
        type=spec.type.__name__,
        default=spec.default,
        default_text=relion_text(spec.default),
        unit=spec.unit,
        level=spec.level,
        limits=spec.limits(),
        choices=spec.choices,
        means=spec.means,
        of=spec.of,
        when=spec.when,
        help=spec.help,
        relion=not spec.own,
        flag=" or ".join(filter(None, (spec.flag, spec.flag_off and f"{spec.flag_off} for No"))),
        wizard=title_of(spec.wizard),
    )
