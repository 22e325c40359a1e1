"""The methods of a result: every program and number that was used, and nothing that was not run."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from cryoloom import Project, star
from cryoloom.api.answers import answers
from cryoloom.api.citing import bibtex_of, reference
from cryoloom.api.table_one import images
from cryoloom.cli.main import app
from cryoloom.images.mrc import write_mrc
from cryoloom.project.registry import all_protocols, find_protocol

pytestmark = pytest.mark.relion


def test_every_reference_that_a_protocol_names_is_known_with_its_doi() -> None:
    keys = {key for kind in all_protocols() if kind.__module__.startswith("cryoloom.") for key in kind.cites}

    assert len(keys) > 10
    for key in keys:
        assert re.search(r"\(\d{4}\)\. .+\. doi:10\.\d{4,}/\S+$", reference(key)), key
        assert f"{{{key},\n" in bibtex_of([key])


@pytest.mark.parametrize(
    ("protocol", "values", "cited"),
    [
        ("relion.motioncorr", {}, ("Zivanov2019",)),
        ("relion.motioncorr", {"do_own_motioncor": "No"}, ("Zheng2017",)),
        ("relion.ctffind", {}, ("Rohou2015",)),
        ("relion.ctffind", {"use_gctf": "Yes", "use_ctffind4": "No"}, ("Zhang2016",)),
        ("relion.autopick", {"do_log": "Yes"}, ("Zivanov2018",)),
        ("relion.autopick", {"do_log": "No"}, ("Scheres2015",)),
        ("relion.autopick", {"do_log": "No", "use_gpu": "Yes"}, ("Scheres2015", "Kimanius2016")),
        ("relion.class2d", {}, ("Scheres2012",)),
        ("relion.class2d", {"use_gpu": "Yes"}, ("Scheres2012", "Kimanius2016")),
        ("relion.refine3d", {"do_helix": "Yes"}, ("Scheres2012", "Zivanov2018", "He2017")),
        ("relion.multibody", {}, ("Nakane2018",)),
        ("relion.ctfrefine", {"do_aniso_mag": "Yes"}, ("Zivanov2020",)),
        ("relion.ctfrefine", {"do_ctf": "Yes", "do_defocus": "Per-particle"}, ("Zivanov2018",)),
        ("relion.ctfrefine", {"do_ctf": "No", "do_4thorder": "Yes"}, ("Zivanov2020",)),
    ],
)
def test_only_what_was_used_is_cited(protocol: str, values: dict[str, str], cited: tuple[str, ...]) -> None:
    assert find_protocol(protocol)(values).cited() == cited


def test_the_paragraph_names_programs_numbers_and_references_of_its_branch_alone(tiny: Project) -> None:
    jobs = {summary.label: summary for summary in tiny.summaries()}
    found = tiny.methods(jobs["class2d"].name)

    assert found.result == jobs["class2d"].name
    assert "min. diameter for LoG filter 110 Å; max. diameter for LoG filter 130 Å" in found.text
    assert f"which gave {jobs['picks'].made}" in found.text
    assert "number of classes 3" in found.text
    assert "refine3d" not in found.text and "symmetry T" not in found.text
    assert "number of threads" not in found.text
    assert {*found.references} == {*re.findall(r"[A-Z][a-z]+\d{4}b?", found.text)}
    assert {*re.findall(r"@\w+\{(\w+),", found.bibtex)} == {*found.references}


def test_table_one_says_what_the_files_say(tiny: Project) -> None:
    table = dict(tiny.methods().table)
    jobs = {summary.label: summary for summary in tiny.summaries()}
    last = tiny.job(jobs["refine_masked"].name).dataset("particles").table()
    general = star.read(tiny.path / jobs["postprocess"].name / "postprocess.star")["general"]
    assert isinstance(general, dict)

    assert table["Voltage (kV)"] == "300"
    assert table["Electron exposure (e/Å²)"] == "48"  # 6 frames of 8
    assert table["Movies"] == table["Micrographs used"] == "6"
    assert table["Final particle images"] == str(last.height)
    assert table["Defocus range (µm)"] == (
        f"{min(last['rlnDefocusU'].min(), last['rlnDefocusV'].min()) / 1e4:.2f} to "  # type: ignore[type-var,operator]
        f"{max(last['rlnDefocusU'].max(), last['rlnDefocusV'].max()) / 1e4:.2f}"  # type: ignore[type-var,operator]
    )
    assert table["Symmetry imposed"] == "T"
    assert float(table["Map resolution (Å)"]) == pytest.approx(float(general["rlnFinalResolution"]), abs=0.01)
    assert float(table["Map sharpening B factor (Å²)"]) == pytest.approx(
        float(general["rlnBfactorUsedForSharpening"]), abs=0.1
    )


def test_table_one_is_of_all_sessions_that_were_joined(tmp_path: Path) -> None:
    made = Project.create(tmp_path / "p")
    imports = []
    for session, (count, kv, dose) in {"a": (2, 300, 1.5), "b": (3, 200, 2.0)}.items():
        (tmp_path / session).mkdir()
        for number in range(count):
            movie = np.random.default_rng(number).normal(9, 2, (4, 64, 64)).astype(np.float32)
            write_mrc(tmp_path / session / f"{session}{number}.mrc", movie, 1.0 + count / 10)
        imports.append(
            made.run(
                "import.movies", fn_in_raw=f"{tmp_path / session}/*.mrc", angpix=1.0 + count / 10, kV=kv, dose_per_frame=dose,
                optics_group_name=session,
            ).wait()
        )  # fmt: skip
    joined = made.run("sets.join", input=imports).wait()
    found = made.methods(joined.name)
    table = dict(found.table)

    assert table["Movies"] == "5"
    assert table["Voltage (kV)"] == "200, 300"
    assert table["Pixel size of the movies (Å)"] == "1.2, 1.3"
    assert table["Electron exposure (e/Å²)"] == "6, 8"
    # Motion correction is told otherwise: that counts.
    motion = made.run("relion.motioncorr", input_star_mics=joined, start=False)
    assert dict(made.methods(motion.name).table)["Electron exposure (e/Å²)"] == "6, 8"
    motion = made.run("relion.motioncorr", input_star_mics=joined, dose_per_frame=2.5, start=False)
    assert dict(made.methods(motion.name).table)["Electron exposure (e/Å²)"] == "10"
    assert "raw input files" not in found.text and str(tmp_path) not in found.text
    # The report's first lines count them together as well.
    assert dict(answers(made).rows)["movies"] == "5 in Import/job001, Import/job002"


def test_the_command_writes_text_and_references_into_files(tiny: Project, tmp_path: Path) -> None:
    out, bib = tmp_path / "methods.md", tmp_path / "used.bib"
    done = CliRunner().invoke(app, ["methods", "-o", str(out), "--bib", str(bib), "-p", str(tiny.path)])

    assert done.exit_code == 0, done.output
    text = out.read_text()
    assert text.index("## Methods") < text.index("## Table 1") < text.index("## References")
    assert bib.read_text().count("@") == len(tiny.methods().references)


def test_copies_that_symmetry_makes_of_a_particle_are_no_images() -> None:
    expanded = pl.DataFrame({"cryoloomItemId": ["i0a", "i0a_2", "i0a_3", "i0b", "i0b_2", "i0b_3"]})

    assert images(expanded) == 2
    assert images(expanded.drop("cryoloomItemId").with_columns(rlnImageName=pl.lit("1@a"))) == 6


def test_what_relion_did_is_not_called_ours(tutorial: Path) -> None:
    text = Project(tutorial).methods().text

    assert "Post-processing was done by relion_postprocess" in text
    assert "Cryoloom" not in text
    # What a referee asks: who chose, and with which version.
    assert (
        "Subset selection was done by eye, in RELION's window, which gave 333 particles, 4 classes." in text
    )
    assert "relion_star_handler" not in text and "GPU" not in text and "mpirun" not in text
    assert re.search(r"Of \d+ of these \d+ steps no version of the program was recorded\.$", text)


def test_what_changes_a_result_is_said_and_so_is_that_it_is_doubtful(tiny: Project) -> None:
    text = tiny.methods().text

    assert "additional arguments --random_seed 1 --maxsig 100" in text
    assert "raw input files" not in text
    last = next(summary for summary in tiny.summaries() if summary.label == "postprocess")
    assert last.why.startswith("doubtful: The FSC never falls below 0.143")
    assert f"which gave {last.made}; this is doubtful: the FSC never falls below 0.143" in text
