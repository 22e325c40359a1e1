"""The report: everything about a project in one HTML file that needs nothing else; what people ask first comes first."""

import html
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom._version import __version__
from cryoloom.api.answers import answers, duration
from cryoloom.api.branch import branch_of
from cryoloom.api.graph import graph_of
from cryoloom.api.methods import methods_of
from cryoloom.api.printing import print_pdf
from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.protocol.views import Block, TableBlock
from cryoloom.views.drawing import as_html
from cryoloom.views.drawn import Drawn
from cryoloom.views.figures import Figures
from cryoloom.views.job_graph import Box, job_graph
from cryoloom.views.resolve import drawn
from cryoloom.views.timeline import project_blocks

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.looking import JobView
    from cryoloom.api.project import Project
    from cryoloom.api.summary import JobSummary

DRAWING = 2  # figures at the same time, beside what is read
_WITH_MAPS = ("PostProcess/", "Refine3D/", "Class3D/", "InitialModel/")
STYLE = """
:root { color-scheme: light; } body { font: 14px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1180px;
padding: 1.5rem; color: #1c2733; background: #fff; } h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.2rem; border-bottom: 2px solid #0072B2; padding-bottom: .2rem; margin-top: 2.2rem; }
h4 { margin: .2rem 0 .4rem; font-size: .95rem; } table { border-collapse: collapse; font-size: .86rem; }
td, th { padding: .18rem .6rem; border-bottom: 1px solid #dde4ea; text-align: left; vertical-align: top; }
.blocks { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: flex-start; } figure { margin: 0; max-width: 100%; }
figure img, figure svg { max-width: 100%; height: auto; } .caption { color: #5b6b79; font-size: .8rem; margin: .2rem 0; }
.succeeded { color: #00734f; } .failed, .missed { color: #b3261e; font-weight: 600; } .running { color: #0072B2; }
section { max-width: 100%; break-inside: avoid; } figure { break-inside: avoid; }
.quiet { color: #5b6b79; } summary { cursor: pointer; color: #0072B2; } code { font-size: .85em; overflow-wrap: anywhere; }
"""


def write_report(project: "Project", target: Path, *, extra: Sequence[Block] = (), title: str = "") -> None:
    """Write the report.

    Args:
        project: what to report on.
        target: an HTML file, or a PDF (which a browser that is installed prints).
        extra: blocks to stand first, such as a comparison with the truth.
        title: by default the project's folder.
    Raises:
        ParameterError: another ending, or a folder that is not there.
        ProgramError: no browser is there that prints a PDF.
    """
    if target.suffix.lower() not in (".html", ".pdf"):
        raise ParameterError(
            f"{target}", found=f"a name with ending {target.suffix!r}", expected=".html or .pdf"
        )
    if not target.absolute().parent.is_dir():
        raise ParameterError(f"{target.parent}", found="missing", expected="a folder to write into")
    figures = Figures(project.path)
    with ThreadPoolExecutor(DRAWING) as pool:
        page = Page(pool, figures)
        _write(page, project, extra, title or project.path.name)
        text = page.text()
    figures.forget_others()
    if target.suffix.lower() == ".pdf":
        print_pdf(text, target)
        return
    beside = target.with_name(f".{target.name}.tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(target)


@dataclass
class Page:
    """The pieces of a page in their order; figures are drawn beside while the next ones are read."""

    pool: ThreadPoolExecutor
    known: Figures
    pieces: list["str | Future[str]"] = field(default_factory=list)

    def add(self, piece: str) -> None:
        """Some HTML."""
        self.pieces.append(piece)

    def draw(self, parts: Sequence[Drawn]) -> None:
        """What a look has shown."""
        self.pieces += [self.pool.submit(_html_of, part, self.known) for part in parts]

    def figures(self, parts: Sequence[Drawn]) -> None:
        """What a look has shown, side by side."""
        self.add("<div class='blocks'>")
        self.draw(parts)
        self.add("</div>")

    def text(self) -> str:
        """The page, when all is drawn."""
        return "\n".join(piece if isinstance(piece, str) else piece.result() for piece in self.pieces)


def _html_of(part: Drawn, figures: Figures) -> str:
    try:
        return as_html(part, figures.svg)
    except CryoloomError as error:
        return f"<p class='failed'>{html.escape(str(error))}</p>"


def _write(page: Page, project: "Project", extra: Sequence[Block], name: str) -> None:
    jobs = project.jobs()
    summaries = {summary.name: summary for summary in project.summaries()}
    page.add("<!doctype html><html lang='en'><head><meta charset='utf-8'>")
    page.add(
        f"<meta name='viewport' content='width=device-width'><title>{html.escape(name)} · Cryoloom</title>"
    )
    page.add(f"<style>{STYLE}</style></head><body><h1>{html.escape(name)}</h1>")
    page.add(f"<p class='quiet'>Cryoloom {__version__}, {time.strftime('%Y-%m-%d %H:%M')}</p>")
    page.figures(_drawn(project.path, [answers(project), *extra]))
    page.figures(_map(jobs, summaries))
    page.add(f"<h2>Jobs</h2>{_job_table(project)}")
    page.figures(_drawn(project.path, [_graph(project, summaries)]))
    page.figures(_drawn(project.path, project_blocks([job.entry for job in jobs])))
    for job in jobs:
        if job.name in summaries:
            _write_job(page, job, summaries[job.name])
    said = methods_of(project)
    if said.text:
        page.add(f"<h2>Methods</h2><p>{html.escape(said.text)}</p>")
        page.figures(_drawn(project.path, [TableBlock("Table 1", ("", ""), said.table)]))
        listed = "".join(f"<li>[{key}] {html.escape(line)}</li>" for key, line in said.references.items())
        page.add(f"<ul class='quiet'>{listed}</ul>" if listed else "")
    if said.beside:
        page.add(f"<p class='quiet'>Tried beside it, and no part of it: {html.escape(said.beside)}.</p>")
    page.add("</body></html>")


def _drawn(root: Path, blocks: Sequence[Block]) -> list[Drawn]:
    return [part for part in (drawn(block, root) for block in blocks) if part is not None]


def _map(jobs: "Sequence[Job]", summaries: "Mapping[str, JobSummary]") -> list[Drawn]:
    """The map that the figures are about: of the result's job, or of the nearest before it that has one."""
    branch = branch_of(jobs, summaries)
    for job in branch.nearest_first() if branch is not None else ():
        if job.name.startswith(_WITH_MAPS):
            try:
                return [part for view in job.views() if view.name == "slices" for part in view.look().parts]
            except (CryoloomError, OSError, ValueError):
                continue  # its own part says why
    return []


def _graph(project: "Project", summaries: "Mapping[str, JobSummary]") -> Block:
    """Which job took what of which."""
    graph = graph_of(project)
    boxes = [
        Box(node.job, summary.alias or summary.label or node.job, node.lane, str(summary.state))
        for node in graph.nodes
        if (summary := summaries.get(node.job)) is not None
    ]
    known = {box.job for box in boxes}
    threads = [
        (one.source, one.target) for one in graph.threads if one.source in known and one.target in known
    ]
    return job_graph("The workflow", graph.lanes, boxes, threads)


def _job_table(project: "Project") -> str:
    rows = []
    for summary in project.summaries():
        items = f"{summary.done}" + (f" / {summary.total}" if summary.total is not None else "")
        failed = f", {summary.failed} failed" if summary.failed else ""
        link = f"<a href='#{summary.name}'>{summary.name}</a>"
        taken = duration(summary.seconds) if summary.seconds is not None else ""
        rows.append(
            f"<tr><td>{link}</td><td>{html.escape(summary.alias or summary.label)}</td><td>{summary.protocol}</td>"
            f"<td class='{summary.state}'>{summary.state}</td><td>{items if summary.done or summary.failed else ''}{failed}"
            f"</td><td>{html.escape(summary.made)}</td><td>{taken}</td><td>{html.escape(summary.why)}</td></tr>"
        )
    head = "<tr><th>job</th><th>name</th><th>protocol</th><th>state</th><th>items</th><th>made</th><th>time</th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _write_job(page: Page, job: "Job", summary: "JobSummary") -> None:
    name = html.escape(summary.alias or summary.label)
    page.add(f"<h2 id='{job.name}'>{job.name} <span class='quiet'>{job.entry.protocol} {name}</span></h2>")
    page.add("<div class='blocks'>")
    try:
        views = job.views()
    except (CryoloomError, OSError, ValueError) as error:
        views = []
        page.add(f"<p class='failed'>{html.escape(str(error))}</p>")
    told = [cell for view in views for cell in _write_view(page, view)]
    page.add("</div>")
    try:
        page.add(_details(job, {*told}))
    except (CryoloomError, OSError) as error:
        page.add(f"<p class='failed'>{html.escape(str(error))}</p>")


def _write_view(page: Page, view: "JobView") -> list[str]:
    """A view, and why where it cannot be shown; of one that shows one item the newest, and the worst where it knows it.

    Returns:
        What its tables say.
    """
    try:
        parts = [*view.look().parts]
        if view.has_worst:
            worst = view.look(item="worst").parts
            parts += [part for part in worst if part not in parts]
    except (CryoloomError, OSError, ValueError) as error:
        page.add(f"<p class='failed'>{html.escape(str(error))}</p>")
        return []
    if parts:
        page.add("<section>")
        page.draw(parts)
        page.add(f"<p class='caption'>{html.escape(view.help)}</p></section>")
    return [cell for part in parts if isinstance(part, TableBlock) for row in part.rows for cell in row]


def _details(job: "Job", told: Collection[str]) -> str:
    """Failed items whose reasons have not been told yet, parameters, commands."""
    params = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(value))}</td></tr>"
        for name, value in job.params.items()
    )
    note = job.folder / "note.txt"
    commands = html.escape(note.read_text(errors="replace")) if note.exists() else ""
    failed = "".join(
        f"<tr><td>{html.escape(name or item)}</td><td>{html.escape(why)}</td></tr>"
        for item, (name, why) in job.entry.status().history.failed.items()
        if why not in told
    )
    lost = f"<h4>Failed items</h4><table>{failed}</table>" if failed else ""
    return (
        f"{lost}<details><summary>Parameters and commands</summary><table>{params}</table>"
        f"<pre style='white-space:pre-wrap'><code>{commands}</code></pre></details>"
    )
