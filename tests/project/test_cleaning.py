"""Cleaning moves what RELION's rules name, says what, and takes nothing that is still needed.

That the rules are RELION's own is shown in `tests/relion/test_relion_cleaning.py`.
"""

import pytest

from cryoloom.errors import ProjectError
from cryoloom.project.attempts import make_attempt
from cryoloom.project.cleaning import PROTECTED, clean, plan_cleaning, rules_of_type
from cryoloom.project.events import AttemptStarted, JobEnded
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.forms.relion31 import EXTERNAL, FOLDERS, TYPES
from cryoloom.project.journal import JournalWriter
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import all_protocols, find_protocol
from cryoloom.protocol import Micrographs, Protocol, Rule

JOB = "Class2D/job001"


@pytest.fixture
def classified(project: ProjectFolder) -> ProjectFolder:
    """A classification that RELION's GUI made, three iterations long, and a micrograph job before it."""
    pipeline = pipe.Pipeline(counter=3)
    pipeline.processes = [
        pipe.Process(f"{JOB}/", "None", 8, pipe.SUCCEEDED),
        pipe.Process("MotionCorr/job002/", "None", 1, pipe.SUCCEEDED),
    ]
    pipeline.nodes = [(f"{JOB}/run_it003_data.star", 3), ("MotionCorr/job002/corrected_micrographs.star", 1)]
    pipeline.output_edges = [
        (f"{JOB}/", f"{JOB}/run_it003_data.star"),
        ("MotionCorr/job002/", "MotionCorr/job002/corrected_micrographs.star"),
    ]
    pipe.write_pipeline(project.root, pipeline)
    for number in range(4):
        for part in ("data", "model", "optimiser"):
            path = project.root / JOB / f"run_it{number:03d}_{part}.star"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x" * 100)
    for name in ("Movies/a.mrc", "Movies/a.log", "corrected_micrographs.star"):
        path = project.root / "MotionCorr/job002" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("data_micrographs\n")
    return project


def test_a_plan_counts_files_and_bytes_and_moves_nothing(classified: ProjectFolder) -> None:
    [plan] = plan_cleaning(classified, ["1"])

    [kind] = plan.classes
    assert (kind.what, len(kind.files), kind.bytes) == ("iterations before the last", 9, 900)
    assert (classified.root / JOB / "run_it000_data.star").exists()


def test_cleaned_files_lie_in_the_trash_also_after_a_second_time(classified: ProjectFolder) -> None:
    [plan] = plan_cleaning(classified, ["1"])
    assert clean(classified, plan).trash == f"Trash/{JOB}"
    (classified.root / JOB / "run_it001_data.star").write_text("again")

    [again] = plan_cleaning(classified, ["1"])

    assert clean(classified, again).trash == f"Trash/{JOB}.2"
    assert (classified.root / f"Trash/{JOB}/run_it001_data.star").read_text() == "x" * 100


def test_an_iteration_that_another_job_goes_on_from_stays(classified: ProjectFolder) -> None:
    (classified.root / "ref.mrc").touch()
    spec = find_protocol("relion.class2d").inputs["fn_img"]
    particles = resolve_input(classified, spec, f"{JOB}/run_it002_data.star", "relion.class2d")
    classified.create_job("relion.class2d", {}, {"fn_img": particles})

    [plan] = plan_cleaning(classified, ["1"])

    assert {file[:9] for file in plan.files} == {"run_it000", "run_it001"}


def test_a_job_that_has_not_succeeded_is_refused_by_name_and_passed_over_with_all(
    classified: ProjectFolder,
) -> None:
    classified.create_job("import.movies", {"fn_in_raw": "*.mrc"}, {})

    with pytest.raises(ProjectError, match=r"Import/job003 is scheduled, expected succeeded"):
        plan_cleaning(classified, ["3"])
    assert [plan.job for plan in plan_cleaning(classified, None)] == [JOB, "MotionCorr/job002"]


def test_a_protected_job_is_not_cleaned_harshly(classified: ProjectFolder) -> None:
    (classified.root / "MotionCorr/job002" / PROTECTED).touch()

    with pytest.raises(ProjectError, match=PROTECTED):
        plan_cleaning(classified, ["2"], harsh=True)
    assert [plan.job for plan in plan_cleaning(classified, None, harsh=True)] == [JOB]
    assert plan_cleaning(classified, ["2"])[0].files == ["Movies/a.log"]


def test_harsh_cleaning_names_who_may_need_the_files_and_waits_for_who_reads_them(
    classified: ProjectFolder,
) -> None:
    entry = classified.create_job(
        "ctf.estimate", {}, {"input_star_mics": classified.entry("2").outputs()["micrographs"]}
    )

    [gentle], [harsh] = plan_cleaning(classified, ["2"]), plan_cleaning(classified, ["2"], harsh=True)
    assert gentle.warning == ""
    assert harsh.warning.startswith("CtfFind/job003 may need again")

    make_attempt(entry.folder)
    with pytest.raises(ProjectError, match=r"CtfFind/job003 is running"):
        plan_cleaning(classified, ["2"], harsh=True)


# RELION 3.1's documented gentle and harsh cleaning, by type: patterns that go gently, patterns that go harshly, and
# whether iterations go. Written down once more, since a declaration that is lost would otherwise not be missed.
RELION_S_OWN = {
    "Import": ((), (), False),
    "MotionCorr": (("*.com", "*.err", "*.out", "*.log"), ("*",), False),
    "CtfFind": (("gctf*.out", "gctf*.err", "*"), (), False),
    "ManualPick": ((), (), False),
    "AutoPick": (("*.spi",), (), False),
    "Extract": (("*_extract.star",), ("*",), False),
    "Select": ((), (), False),
    "Class2D": ((), (), True),
    "Class3D": ((), (), True),
    "Refine3D": ((), (), True),
    "MaskCreate": ((), (), False),
    "JoinStar": ((), (), False),
    "Subtract": ((), ("subtracted.*",), False),
    "PostProcess": (("*masked.mrc",), (), False),
    "LocalRes": ((), (), False),
    "InitialModel": ((), (), True),
    "MultiBody": ((), ("analyse_component???_bin???.mrc",), True),
    "Polish": (
        ("*_FCC_cc.mrc", "*_FCC_w0.mrc", "*_FCC_w1.mrc"), ("*_shiny.mrcs", "*_shiny.star"), False,
    ),
    "CtfRefine": (
        (
            "*_wAcc_optics-group*.mrc", "*_xyAcc_optics-group*.mrc",
            *(f"*_aberr-{part}_optics-group_*.mrc" for part in ("Axx", "Axy", "Ayy", "bx", "by")),
            "*_mag_optics-group_*.mrc", "*_fit.star", "*_fit.eps",
        ), (), False,
    ),
}  # fmt: skip
MODELLED = [kind for kind in all_protocols() if kind.relion_type != EXTERNAL]


def patterns(rules: tuple[Rule, ...], harsh: bool) -> tuple[str, ...]:
    return tuple(pattern for rule in rules if rule.harsh is harsh for pattern in rule.patterns)


@pytest.mark.parametrize("folder", RELION_S_OWN)
def test_a_type_of_relion_s_is_cleaned_as_relion_does(folder: str) -> None:
    rules, iterative = rules_of_type(TYPES[folder])

    assert (patterns(rules, False), patterns(rules, True), iterative) == RELION_S_OWN[folder]


@pytest.mark.parametrize("kind", MODELLED, ids=lambda kind: kind.name)
def test_each_protocol_with_a_relion_type_declares_that_type_s_rules(kind: type[Protocol]) -> None:
    gentle, harsh, iterative = RELION_S_OWN[FOLDERS[kind.relion_type]]

    assert (patterns(kind.cleaning, False), patterns(kind.cleaning, True)) == (gentle, harsh)
    assert kind.iterative is iterative
    assert kind.folder == FOLDERS[kind.relion_type]


def test_a_job_of_ours_is_cleaned_by_its_own_declaration(project: ProjectFolder) -> None:
    given = {"input_star_mics": Micrographs("m.star")}
    entry = project.create_job("ctf.estimate", {}, given)
    (entry.folder / "Movies").mkdir()
    (entry.folder / "Movies/a.txt").write_text("x")
    (entry.folder / "gctf0.out").write_text("x")
    (entry.folder / ".cryoloom/attempts/0001").mkdir()
    (entry.folder / ".cryoloom/attempts/0001/exit.json").write_text('{"ended_by": "exit"}')
    journal = JournalWriter(entry.folder, 1)
    journal.write(AttemptStarted())
    journal.write(JobEnded(state="succeeded"))
    journal.close()

    [plan] = plan_cleaning(project, [entry.name])

    assert plan.files == ["Movies/a.txt"]
