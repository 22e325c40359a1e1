"""Views of a job, bound to its project: looked at, saved, shown in a notebook."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, ParameterError, ProjectError
from cryoloom.project.entry import JobEntry
from cryoloom.project.foreign import protocol_as_run
from cryoloom.protocol.declare import near
from cryoloom.protocol.views import View
from cryoloom.schedule.state import ENDED
from cryoloom.views.drawn import Drawn, DrawnChart, DrawnPicture
from cryoloom.views.resolve import absent_file, is_there, look_at, look_at_both, why_nothing

NOT_STARTED = "not started"  # why a job that was only made is `aborted` in RELION's words
VEGA_LITE = "application/vnd.vegalite.v5+json"


@dataclass(frozen=True, repr=False)
class JobView:
    """Something to look at in a job; what it shows is read anew at each look."""

    root: Path
    declared: View
    entry: JobEntry  # whose it is

    @property
    def name(self) -> str:
        """By which `job.view` finds it."""
        return self.declared.name

    @property
    def title(self) -> str:
        """Over its picture."""
        return self.declared.title

    @property
    def help(self) -> str:
        """How to read it, and what is good."""
        return self.declared.help

    @property
    def iterations(self) -> tuple[int, ...]:
        """Those that can be asked for; empty where there are none."""
        return self.declared.iterations

    @property
    def has_items(self) -> bool:
        """Whether it shows one item, which can be asked for."""
        return self.declared.items is not None

    @property
    def has_worst(self) -> bool:
        """Whether it knows which item is the worst."""
        return self.declared.items is not None and bool(self.declared.items.worst)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what can be asked for, not what is seen."""
        return {
            "name": self.name, "title": self.title, "help": self.help, "iterations": list(self.iterations),
            "items": self.has_items, "worst": self.has_worst,
        }  # fmt: skip

    def look(self, *, item: str | int = "", iteration: int | None = None) -> "Seen":
        """What it shows now: charts with their data, pictures, figures, tables.

        Args:
            item: a name or part of one, a number from 1, `first`, `newest` (the default), `worst`.
            iteration: the newest by default.
        Raises:
            ParameterError: no such item or iteration.
            ProjectError: the plugin that declared it is broken.
        """
        with self._edge():
            parts = look_at(self.declared, self.root, item=str(item), iteration=iteration)
            return Seen((*parts,)) if parts else self._nothing_of(str(item), iteration)

    def _nothing_of(self, item: str, iteration: int | None) -> "Seen":
        """A look at which nothing was seen: why, and what to look at instead."""
        absent = absent_file(self.declared, self.root, item=item, iteration=iteration)
        why = f"{absent} is not there" if absent else ""
        why = why or why_nothing(self.declared, self.root, item=item, iteration=iteration)
        if not self.entry.look().has_ended:
            return Seen((), absent, f"nothing to show yet: {why}")
        others = [view.name for view in views_of(self.root, self.entry) if view.name != self.name]
        instead = f"Look at {', '.join(others)}" if others else f"See `cryoloom log {self.entry.name}`"
        return Seen((), absent, f"nothing to show: {why}. {instead}.")

    @contextmanager
    def _edge(self) -> Iterator[None]:
        """The edge to a plugin: what it raises is told as its fault."""
        try:
            yield
        except CryoloomError:
            raise
        except Exception as error:
            raise ProjectError(
                f"view {self.name}", found=f"broken ({type(error).__name__}: {error})", expected="something to look at",
                hint=f"The fault is in {self.declared.blocks.__module__}; the job's results are as they were.",
            ) from error  # fmt: skip

    def beside(
        self,
        other: "JobView",
        *,
        item: str | int = "",
        iteration: int | None = None,
        other_iteration: int | None = None,
    ) -> "Seen":
        """What it shows and what another view does, one against the other: curves in one chart, pictures side by side.

        Args:
            other: the same view of another job, or of this one at another iteration.
            item: as of `look`; of both.
            iteration: the newest by default.
            other_iteration: of the other; the newest by default.
        Raises:
            ParameterError: no such item or iteration.
            ProjectError: of another project.
        """
        if other.root != self.root:
            raise ProjectError(f"{other!r}", found=f"of {other.root}", expected=f"a view of {self.root}")
        names = [
            f"{view.entry.alias or view.entry.name}" + (f", iteration {number}" if number is not None else "")
            for view, number in ((self, iteration), (other, other_iteration))
        ]
        if names[0] == names[1]:
            raise ParameterError(
                f"{names[0]}: view {self.name}",
                found="compared with itself",
                expected="another job, or another iteration",
            )
        iterations = (iteration, other_iteration)
        with self._edge():
            parts = look_at_both(
                self.declared,
                other.declared,
                self.root,
                (names[0], names[1]),
                item=str(item),
                iterations=iterations,
            )
            return Seen((*parts,))

    def save(self, target: Path | str, *, item: str | int = "", iteration: int | None = None) -> Path:
        """Write it into a file: .png, .svg, .pdf, .html or .json.

        Raises:
            ParameterError: an ending that it does not have, or nothing to show yet.
        """
        return self.look(item=item, iteration=iteration).save(target)

    def live(self, *, item: str | int = "", iteration: int | None = None, every_s: float = 2.0) -> None:
        """Show it in a notebook, anew whenever it has changed, until the job has ended.

        Interrupting the cell ends the looking; the job goes on.

        Args:
            item: as of `look`; the newest by default.
            iteration: the newest by default.
            every_s: seconds between two looks.
        """
        from cryoloom.api.live_views import draw_live, looks

        draw_live(looks(self.entry, self.name, item=str(item), iteration=iteration, every_s=every_s))

    def __repr__(self) -> str:
        return f"<JobView {self.name} of {self.entry.name}: {self.title}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.look()._repr_mimebundle_()


@dataclass(frozen=True)
class Shown:
    """What a terminal shows of a look, and whether there is more in a picture file."""

    text: str
    has_more: bool


@dataclass(frozen=True, repr=False)
class Seen:
    """What was seen at one look; shows itself in a notebook.

    `absent`: the file for want of which nothing was. `nothing`: why nothing was, and what to look at instead.
    """

    parts: tuple[Drawn, ...]
    absent: str = ""
    nothing: str = ""

    def save(self, target: Path | str) -> Path:
        """Write it into a file: .png, .svg, .pdf, .html or .json.

        Raises:
            ParameterError: an ending that it does not have, or nothing to show.
        """
        from cryoloom.views.drawing import draw

        if not self.parts and self.absent:
            raise ParameterError(
                f"{target}", found=f"a picture of {self.absent}, which is not there", expected="that file"
            )
        if not self.parts:
            raise ParameterError(f"{target}", found=self._nothing().rstrip("."), expected="something to draw")
        draw(self.parts, Path(target))
        return Path(target)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: charts as their declarations with the data, pictures as base64."""
        from cryoloom.views.drawing import as_dict

        return {
            "parts": [as_dict(part) for part in self.parts], "absent": self.absent, "nothing": self.nothing
        }  # fmt: skip

    def in_vega(self) -> dict[str, Any]:
        """As `as_dict`, with charts in Vega's words: a page that draws them needs half of the library."""
        from cryoloom.views.vega import compiled

        seen = self.as_dict()
        for part in seen["parts"]:
            if "vega_lite" in part:
                part["vega"] = compiled(part.pop("vega_lite"))
        return seen

    def for_terminal(self, environment: Mapping[str, str]) -> "Shown":
        """What a terminal shows: text, and pictures where it draws some.

        Args:
            environment: the variables by which terminals make themselves known; none: it is no terminal.
        """
        from cryoloom.views.terminal import as_text, can_draw_pictures, picture

        protocol = can_draw_pictures(environment)
        has_pictures = any(isinstance(part, DrawnChart | DrawnPicture) for part in self.parts)
        if not protocol:
            return Shown(str(self), has_pictures)
        words = [*map(as_text, self.parts), *(picture(part, protocol) for part in self.parts)]
        return Shown("\n\n".join(filter(None, words)) or self._nothing(), False)

    def __str__(self) -> str:
        from cryoloom.views.terminal import as_text

        # Of a picture a text has the title, so that it is not taken for nothing.
        return "\n\n".join(as_text(part) or part.title for part in self.parts) or self._nothing()

    __repr__ = __str__

    def _nothing(self) -> str:
        return self.nothing or "nothing to show"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from cryoloom.views.drawing import as_html

        html = "".join(map(as_html, self.parts)) or f"<p>{escape(self._nothing())}</p>"
        bundle: dict[str, Any] = {"text/plain": str(self), "text/html": html}
        match self.parts:
            case (DrawnChart(spec=spec),):
                bundle[VEGA_LITE] = spec
            case (DrawnPicture(png=png),):
                bundle["image/png"] = png
        return bundle


def views_of(root: Path, entry: JobEntry) -> list[JobView]:
    """What a job has to show now; by its protocol, or by its files where no protocol of ours knows its kind.

    Raises:
        CryoloomError: a file of the job cannot be read, or its plugin is broken; it is named.
    """
    job = entry.job_folder()
    try:
        protocol = protocol_as_run(entry)
    except CryoloomError:
        protocol = None
    declared: list[View] = []
    if protocol is not None:
        try:
            declared = [view for view in protocol.views(job) if is_there(view, root)]
        except CryoloomError:
            raise
        except Exception as error:  # the edge to a plugin: whose fault it is, and what was looked at
            raise ProjectError(
                f"{entry.name}: views() of {protocol.name}", found=f"broken ({type(error).__name__}: {error})",
                expected="something to look at",
                hint=f"The fault is in {type(protocol).__module__}; the job's results are as they were.",
            ) from error  # fmt: skip
    if not declared and entry.spec is None:
        from cryoloom.views.foreign import views_of_files

        declared = [view for view in views_of_files(root, job.name) if is_there(view, root)]
    return [JobView(root, view, entry) for view in declared]


def view_of(entry: JobEntry, name: str = "") -> JobView:
    """One view of a job; the first without a name.

    Raises:
        ProjectError: it has no such view, or none yet.
    """
    found = views_of(entry.root, entry)
    for view in found:
        if name in ("", view.name):
            return view
    names = [view.name for view in found]
    raise ProjectError(
        f"{entry.name}: view {name}".rstrip(), found="unknown" if name else "not there",
        expected=f"one of {', '.join(names)}" if names else "something to show",
        hint=near(name, names) if names else no_views(entry),
    )  # fmt: skip


def no_views(entry: JobEntry) -> str:
    """Why a job has no view, and what to look at instead."""
    status = entry.look()
    if status.state not in ENDED or status.why == NOT_STARTED:
        now = status.why if status.why == NOT_STARTED else status.state
        return f"{entry.name} has nothing to show yet: it is {now}."
    files = ", ".join(
        dataset.path for dataset in entry.outputs().values() if (entry.root / dataset.path).exists()
    )
    made = f"It made {files}; " if files else "It made none of its outputs; "
    return (
        f"{entry.name} ({status.state}) has nothing to show: no file that a view of {entry.protocol} reads is there. {made}"
        f"`cryoloom show {entry.name}` and `cryoloom log {entry.name}` tell the rest."
    )
