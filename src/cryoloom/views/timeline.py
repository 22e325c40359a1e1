"""The project as a whole: when each item passed each job, and how many were kept at each step."""

from collections.abc import Sequence

from cryoloom.project.entry import JobEntry
from cryoloom.protocol.views import Axis, Block, Chart, Drawing, Values
from cryoloom.views.charts import WIDTH, Spec, finished
from cryoloom.views.colours import COLOURS

MOST_TICKS = 500  # of a job


def project_blocks(entries: Sequence[JobEntry]) -> list[Block]:
    """What there is to see of all jobs."""
    return [*_timeline(entries), *_kept(entries)]


def _timeline(entries: Sequence[JobEntry]) -> list[Block]:
    ours = [(entry, entry.look().history) for entry in entries if entry.known_spec is not None]
    began = [history.began for _, history in ours if history.began]
    if not began:
        return []
    zero = min(began)
    bars: list[Spec] = []
    ticks: list[Spec] = []
    for entry, history in ours:
        if not history.began:
            continue
        name = f"{entry.name} {entry.protocol}"
        last = max(history.ended, history.last_done, history.began)
        bars.append({"job": name, "from": history.began - zero, "to": last - zero})
        times = sorted(set(history.done.values()))
        # Of more than can be told apart some, spread over all.
        ticks += [{"job": name, "at": time - zero} for time in times[:: -(-len(times) // MOST_TICKS) or 1]]
    unit, length = ("minutes", 60.0) if max(bar["to"] for bar in bars) > 600 else ("seconds", 1.0)
    for row in (*bars, *ticks):
        row.update({key: value / length for key, value in row.items() if key != "job"})
    y = {"field": "job", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 320}}
    layers: list[Spec] = [
        {
            "data": {"values": bars}, "mark": {"type": "bar", "height": 7, "opacity": 0.35, "color": COLOURS[0]},
            "encoding": {
                "x": {"field": "from", "type": "quantitative", "title": f"{unit} since the start"},
                "x2": {"field": "to"}, "y": y,
            },
        }
    ]  # fmt: skip
    if ticks:
        layers.append({
            "data": {"values": ticks},
            "mark": {"type": "tick", "color": COLOURS[1], "thickness": 1.5, "size": 11},
            "encoding": {"x": {"field": "at", "type": "quantitative"}, "y": y},
        })  # fmt: skip
    title = "When jobs ran and items passed"
    spec = finished(title, layers, width=WIDTH + 140, height=18 * len(bars))
    return [Drawing(title, spec, "Ticks: batches of items.")]


def _kept(entries: Sequence[JobEntry]) -> list[Block]:
    columns: dict[str, list[object]] = {"step": [], "items": [], "kind": []}
    for entry in entries:
        history = entry.look().history
        for name, output in history.outputs.items():
            dataset = entry.outputs().get(name)
            if dataset is not None and dataset.kind in ("movies", "micrographs", "particles"):
                columns["step"].append(f"{entry.name} {name}")
                columns["items"].append(output.items)
                columns["kind"].append(dataset.kind)
    if not columns["step"]:
        return []
    axes = Axis("items", "items", is_count=True), Axis("step", "")
    return [Chart("Items at each step", "bars", Values(columns), *axes, colour="kind")]
