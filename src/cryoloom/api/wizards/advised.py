"""What a wizard gives: pictures and charts, a sentence on them, proposals, what may be moved."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.declare import AUTO
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import Protocol
from cryoloom.protocol.wizards import Proposal, Slider
from cryoloom.views.drawn import Drawn

if TYPE_CHECKING:
    from cryoloom.api.project import Project


@dataclass(frozen=True)
class Asked:
    """What a wizard is asked: by which form, for which parameter, on which item."""

    project: "Project"
    form: Protocol  # with what is given and fine, without what is not
    param: str
    item: str = ""

    @property
    def root(self) -> Path:
        return self.project.path

    def input(self, name: str) -> Dataset:
        """A dataset that the form has, its file there.

        Raises:
            ParameterError: not given yet, or not made yet.
        """
        found = self.form.given.get(name)
        label = self.form.inputs[name].label
        if not found:
            raise ParameterError(
                f"{self.form.name}: input {name}", found="missing", expected=f"{label}: this looks at it"
            )
        if not (self.root / found.path).is_file():
            raise ParameterError(
                f"{self.form.name}: input {name}", found="not made yet", expected="data to look at",
                hint=f"It can be looked at when {found.job or found.path} has run.",
            )  # fmt: skip
        return found

    def auto(self, name: str) -> float:
        """The number that the job would find itself where this parameter is `auto`.

        Raises:
            CryoloomError: it could not be found.
        """
        kind = type(self.form)
        made = kind({**self.form.values, name: AUTO}, self.form.given)
        found = call_plugin(made, "resolve_auto", JobFolder(f"{kind.folder}/", self.root))
        return float(found[name])

    def number(self, name: str, otherwise: float) -> float:
        """A parameter's value, or what stands for one that is no number: `auto`."""
        value = self.form.values[name]
        return float(value) if isinstance(value, int | float) else otherwise


@dataclass(frozen=True)
class Advised:
    """Shown beside the form."""

    parts: Sequence[Drawn]
    said: str = ""
    proposals: Sequence[Proposal] = ()
    sliders: Sequence[Slider] = ()
    item: str = ""  # the micrograph that is shown, where it is one; another can be asked for
    now: Mapping[str, float] = field(
        default_factory=dict
    )  # where each slider stands: what the form has, or would find

    def as_dict(self) -> dict[str, Any]:
        """For JSON: charts in Vega's words, pictures as base64."""
        from cryoloom.api.looking import Seen

        return {
            "parts": Seen((*self.parts,)).in_vega()["parts"],
            "said": self.said,
            "proposals": [asdict(one) for one in self.proposals],
            "sliders": [{**asdict(one), "now": self.now.get(one.param)} for one in self.sliders],
            "item": self.item,
        }


def taking(values: Mapping[str, str], unit: str = "") -> Proposal:
    """`Take 150 Å`."""
    words = ", ".join(values.values())
    return Proposal(f"Take {words}{f' {unit}' if unit else ''}", values)
