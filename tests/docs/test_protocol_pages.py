"""The pages about protocols are those of the declarations."""

from cryoloom.api import protocol_pages


def test_the_pages_in_the_documents_are_those_that_the_declarations_make() -> None:
    made = protocol_pages.pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in protocol_pages.FOLDER.glob("*.md")}

    assert there == made, "run: make stubs"


def test_a_page_tells_inputs_parameters_flags_units_and_outputs() -> None:
    page = protocol_pages.pages()["relion.class3d.md"]

    assert "| `tau_fudge` | Regularisation parameter T | 4 | `--tau2_fudge` |" in page
    assert "| `fn_mask` | Reference mask (optional) | mask, optional |" in page
    assert "| `particles` | Particles with class and orientation | particles |" in page
    assert "| `ini_high` | Initial low-pass filter | 60 Å |" in page
