"""Set algebra holds for any sets: nothing is lost, nothing is twice, and every item keeps its own optics."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from cryoloom.project.item_ids import pick_ids, with_ids
from cryoloom.project.registry import find_protocol
from cryoloom.protocol import JobFolder, Part, Particles, RowBatch, RowProtocol, RowResult

ID, GROUP, ANGPIX = "cryoloomItemId", "rlnOpticsGroup", "rlnMicrographPixelSize"
JOB = JobFolder("Select/job001/", Path("/nowhere"))

ids = st.lists(st.integers(0, 12), unique=True, max_size=10)
some_sets = st.lists(ids, min_size=2, max_size=4)
groups = st.sampled_from([1.0, 1.5, 2.0])


def part(numbers: list[int], sizes: list[float] | None = None) -> Part:
    """Items by number, each of the optics group of its pixel size."""
    sizes = [1.0] * len(numbers) if sizes is None else sizes
    known = sorted(set(sizes)) or [1.0]
    optics = pl.DataFrame(
        {GROUP: range(1, len(known) + 1), "rlnOpticsGroupName": ["same"] * len(known), ANGPIX: known}
    )
    items = pl.DataFrame(
        {
            ID: [f"i{n}" for n in numbers],
            GROUP: [known.index(size) + 1 for size in sizes],
            "rlnCoordinateX": [40.0 * n for n in numbers],
            "rlnCoordinateY": [0.0] * len(numbers),
            "rlnMicrographName": ["m.mrc"] * len(numbers),
        },
        schema_overrides={ID: pl.String, GROUP: pl.Int64, "rlnMicrographName": pl.String},
    )
    return Part(items, optics, source=f"set of {len(numbers)}")


def treated(name: str, parts: list[Part], sides: Mapping[str, Part] = {}, **values: object) -> RowResult:
    """What a row protocol makes of whole sets."""
    names = ["input", *(f"input#{n}" for n in range(2, len(parts) + 1))]
    kind = find_protocol(name)
    inputs = {key: Particles("x.star") for key in (*names, *sides)}
    protocol = kind(
        values,
        {key: given for key, given in inputs.items() if "#" not in key or kind.inputs["input"].several},
    )
    assert isinstance(protocol, RowProtocol)
    memory = protocol.begin(JOB, lambda output: None)
    return protocol.treat(JOB, RowBatch(dict(zip(names, parts, strict=True)), sides, True, memory))


def found(result: RowResult, output: str) -> list[str]:
    rows = result.rows[output]
    return [str(one) for one in rows[ID].to_list()] if ID in rows.columns else []


@given(ids, ids, st.sampled_from(["id", "position"]))
def test_what_is_in_both_and_what_is_not_are_the_whole(ours: list[int], others: list[int], by: str) -> None:
    sides = {"others": part(others)}

    both = treated("sets.intersect", [part(ours)], sides, by=by)
    rest = treated("sets.subtract", [part(ours)], sides, by=by)

    wanted = [f"i{n}" for n in ours if n in others]
    assert found(both, "kept") == found(rest, "rejected") == wanted
    assert found(both, "rejected") == found(rest, "kept") == [f"i{n}" for n in ours if n not in others]


@given(some_sets, st.sampled_from(["id", "position"]))
def test_a_join_has_every_item_once_and_the_rest_are_its_duplicates(sets: list[list[int]], by: str) -> None:
    joined = treated("sets.join", [part(one) for one in sets], by=by)

    kept, copies = found(joined, "kept"), found(joined, "duplicates")
    assert kept == list(dict.fromkeys(f"i{n}" for one in sets for n in one))
    assert sorted(kept + copies) == sorted(f"i{n}" for one in sets for n in one)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 12), groups), unique_by=lambda one: one[0], max_size=8),
        min_size=2,
        max_size=3,
    )
)
def test_every_joined_item_finds_its_own_pixel_size_again(sets: list[list[tuple[int, float]]]) -> None:
    parts = [part([n for n, _ in one], [size for _, size in one]) for one in sets]

    joined = treated("sets.join", parts, keep="all")

    items = joined.rows["kept"]
    if items.height:
        assert joined.optics is not None and joined.optics["rlnOpticsGroupName"].is_unique().all()
        # An item's own set and place tell which it was, for ids come more than once.
        sizes = items.join(joined.optics, on=GROUP, how="left", maintain_order="left")[ANGPIX].to_list()
        assert sizes == [size for one in sets for _, size in one]


@given(
    st.lists(st.integers(0, 50), unique=True, min_size=4, max_size=30), st.integers(2, 4), st.integers(0, 99)
)
def test_parts_put_together_again_are_the_set(numbers: list[int], count: int, seed: int) -> None:
    for split_by in ("order", "random"):
        parts = treated("sets.split", [part(numbers)], nr_parts=count, split_by=split_by, seed=seed)

        pieces = [found(parts, f"part{n}") for n in range(1, count + 1)]
        assert sorted(one for piece in pieces for one in piece) == sorted(f"i{n}" for n in numbers)
        assert max(map(len, pieces)) - min(map(len, pieces)) <= 1


@given(st.lists(st.floats(0, 300), min_size=1, max_size=25), st.floats(1, 60))
def test_of_items_too_near_to_each_other_none_stays_and_none_goes_without_reason(
    xs: list[float], distance: float
) -> None:
    one = part(list(range(len(xs))))
    moved = Part(one.items.with_columns(pl.Series("rlnCoordinateX", xs)), one.optics)

    result = treated("sets.unique", [moved], by="position", distance=distance)

    kept = result.rows["kept"]["rlnCoordinateX"].to_list()
    gone = result.rows["duplicates"]["rlnCoordinateX"].to_list()
    assert all(abs(a - b) > distance - 1e-6 for i, a in enumerate(kept) for b in kept[:i])
    assert all(any(abs(a - b) <= distance + 1e-6 for b in kept) for a in gone)
    assert len(kept) + len(gone) == len(xs)


OPERATIONS: dict[str, dict[str, object]] = {
    "sets.join": {"keep": "first"},
    "sets.unique": {},
    "sets.intersect": {},
    "sets.subtract": {},
    "sets.filter": {"expression": "rlnCoordinateX > 100"},
    "sets.sample": {"take": "50%"},
    "sets.sort": {"by": "-rlnCoordinateX"},
    "sets.split": {"nr_parts": 2},
    "sets.trigger": {"first": 2},
    "sets.edit": {"set": "rlnCoordinateY = rlnCoordinateY + 1"},
    "sets.assign": {"what": "columns", "columns": ID, "by": "position", "distance": 60},
}


@given(st.sampled_from(sorted(OPERATIONS)), some_sets)
def test_no_operation_gives_an_id_twice_and_an_id_means_the_same_place(
    name: str, sets: list[list[int]]
) -> None:
    kind = find_protocol(name)
    parts = [part(one) for one in sets]
    sides = {key: parts[1] for key in ("others", "source") if key in kind.inputs}
    if not kind.inputs["input"].several:
        parts = parts[:1]

    result = treated(name, parts, sides, **OPERATIONS[name])

    for output, rows in result.rows.items():
        ids = found(result, output)
        if name == "sets.join" and output == "duplicates":
            continue  # one of each set that had it
        assert len(ids) == len(set(ids)), output
        # Items lie 40 Å apart by their number; assigned ids are of places within 60 Å.
        places = zip(ids, rows["rlnCoordinateX"].to_list() if ids else [], strict=True)
        slack = 60 if name == "sets.assign" else 0
        assert all(abs(x - 40.0 * int(item[1:])) <= slack for item, x in places)


def test_items_of_other_programs_that_lie_at_one_place_have_ids_of_their_own() -> None:
    frame = part([1, 1, 2]).items.drop(ID)

    ids = with_ids(frame)[ID].to_list()

    assert len(set(ids)) == 3
    assert ids[1] == f"{ids[0]}_2"
    assert with_ids(frame.head(1))[ID].to_list() == ids[:1]


def test_a_pick_that_is_made_again_at_another_place_gets_another_id() -> None:
    first = pick_ids("job", "m.mrc", [(10.0, 20.0), (10.0, 20.0)])

    assert len(set(first)) == 2
    assert pick_ids("job", "m.mrc", [(10.0, 20.0), (10.0, 20.0)]) == first
    assert not set(pick_ids("job", "m.mrc", [(11.0, 20.0)])) & set(first)


@given(st.lists(st.floats(0, 300), min_size=2, max_size=20), st.integers(1, 19), st.floats(1, 60))
def test_items_too_near_are_told_apart_in_batches_as_in_one_go(
    xs: list[float], cut: int, distance: float
) -> None:
    whole = part(list(range(len(xs)))).items.with_columns(pl.Series("rlnCoordinateX", xs))
    optics = part([0]).optics
    kind = find_protocol("sets.filter")
    protocol = kind({"min_distance": distance}, {"input": Particles("x.star")})
    assert isinstance(protocol, RowProtocol)
    # Of coordinates what was written has micrographs and files, and no place of a pick.
    written = Part(pl.DataFrame({"rlnMicrographName": ["m.mrc"], ID: ["i0"]}))
    once, twice = (protocol.begin(JOB, lambda output: written) for _ in range(2))

    def kept(memory: object, items: pl.DataFrame) -> list[str]:
        parts = {"input": Part(items, optics)}
        return found(protocol.treat(JOB, RowBatch(parts, {}, False, memory)), "kept")

    in_two = [
        one for piece in (whole.head(cut), whole.slice(cut)) if piece.height for one in kept(twice, piece)
    ]
    assert in_two == kept(once, whole)
