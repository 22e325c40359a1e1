"""The project as a whole: when each item passed each job, and how many were kept at each step."""

from collections.abc import Sequence

from cryoloom.project.folder import JobEntry
from cryoloom.protocol.blocks import Block
from cryoloom.views import charts


def project_views(entries: Sequence[JobEntry]) -> list[Block]:
    """Views over all jobs."""
    return [*_timeline(entries), *_kept(entries)]


def _timeline(entries: Sequence[JobEntry]) -> list[Block]:
    import altair as alt

    ours = [(entry, entry.look().history) for entry in entries if entry.known_spec is not None]
    began = [history.began for _, history in ours if history.began]
    if not began:
        return []
    zero = min(began)
    bars: dict[str, list[object]] = {"job": [], "from": [], "to": []}
    dots: dict[str, list[object]] = {"job": [], "at": []}
    for entry, history in ours:
        if not history.began:
            continue
        name = f"{entry.name} {entry.protocol}"
        last = max(history.ended, history.last_done)
        bars["job"].append(name)
        bars["from"].append(history.began - zero)
        bars["to"].append(max(last, history.began) - zero)
        times = sorted(set(history.done.values()))
        dots["job"] += [name] * len(times[:500])
        dots["at"] += [time - zero for time in times[:500]]
    y = alt.Y("job:N", sort=None, title=None, axis=alt.Axis(labelLimit=320))
    base = alt.Chart(charts.data(bars)).mark_bar(height=7, opacity=0.35, color=charts.COLOURS[0])
    chart = base.encode(x=alt.X("from:Q", title="seconds since the start"), x2="to:Q", y=y)
    if dots["at"]:
        marks = alt.Chart(charts.data(dots)).mark_tick(color=charts.COLOURS[1], thickness=1.5, size=11)
        chart = chart + marks.encode(x="at:Q", y=y)
    chart = chart.properties(width=charts.WIDTH + 140, height=18 * len(bars["job"]))
    return [charts.finished("timeline", "When jobs ran and items passed", chart, "Ticks: batches of items.")]


def _kept(entries: Sequence[JobEntry]) -> list[Block]:
    import altair as alt

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
    chart = (
        alt.Chart(charts.data(columns))
        .mark_bar()
        .encode(
            x=alt.X("items:Q", title="items"),
            y=alt.Y("step:N", sort=None, title=None, axis=alt.Axis(labelLimit=320)),
            color=alt.Color("kind:N", title=None),
        )
        .properties(width=charts.WIDTH + 140, height=18 * len(columns["step"]))
    )
    return [charts.finished("kept", "Items at each step", chart)]
