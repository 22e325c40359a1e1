"""The drawing of jobs: each below what it takes of, in its lane, and no two at one place."""

from cryoloom.views.job_graph import HIGH, WIDE, Box, job_graph, placed

BOXES = (
    Box("Import/job001", "movies", 0, "succeeded"),
    Box("MotionCorr/job002", "motion", 0, "succeeded"),
    Box("Extract/job003", "fine", 1, "failed"),
    Box("Extract/job004", "coarse", 1, "scheduled"),
    Box("Select/job005", "of an older job and a newer one", 1, "running"),
)
THREADS = (
    ("Import/job001", "MotionCorr/job002"),
    ("MotionCorr/job002", "Extract/job003"),
    ("MotionCorr/job002", "Extract/job004"),
    ("Extract/job003", "Select/job005"),
    ("Import/job001", "Select/job005"),
)


def test_a_job_stands_below_all_that_it_takes_of() -> None:
    places = placed(2, BOXES, THREADS)

    assert all(places[target][1] >= places[source][1] + HIGH for source, target in THREADS)
    assert (
        places["Extract/job003"][1] == places["Extract/job004"][1]
    )  # side by side: neither takes of the other
    assert abs(places["Extract/job003"][0] - places["Extract/job004"][0]) > WIDE
    assert len(set(places.values())) == len(BOXES)


def test_lanes_stand_side_by_side() -> None:
    places = placed(2, BOXES, THREADS)

    of_lane = [[places[box.job][0] for box in BOXES if box.lane == lane] for lane in (0, 1)]
    assert max(of_lane[0]) + WIDE < min(of_lane[1])


def test_the_figure_has_every_job_and_every_thread_once() -> None:
    drawn = job_graph("The workflow", ("Micrographs", "Particles"), BOXES, [*THREADS, THREADS[0]])

    wires, boxes, labels, heads = (layer["data"]["values"] for layer in drawn.spec["layer"])  # type: ignore[attr-defined]
    assert len(wires) == len(THREADS)
    assert [(cell["name"], cell["state"]) for cell in boxes] == [
        (box.job, "other" if box.state == "scheduled" else box.state) for box in BOXES
    ]
    assert labels[-1]["label"] == "of an older job and…"
    assert [cell["label"] for cell in heads] == ["Micrographs", "Particles"]


def test_a_project_without_jobs_has_an_empty_figure() -> None:
    assert job_graph("The workflow", (), (), ()).spec["width"] == WIDE
