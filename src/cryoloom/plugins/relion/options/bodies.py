"""The body file of a multi-body refinement: what it has to hold, looked up before hours are spent."""

from collections.abc import Mapping
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.protocol import Protocol

MASK, RELATIVE, REFERENCE = "rlnBodyMaskName", "rlnBodyRotateRelativeTo", "rlnBodyReferenceName"
OFFSET, OLD_OFFSET = "rlnBodySigmaOffsetAngst", "rlnBodySigmaOffset"
LABELS = (MASK, RELATIVE, "rlnBodySigmaAngles", OFFSET)


def check_bodies(protocol: Protocol, root: Path, file: Path, optimiser: Path | None) -> None:
    """That a body file names masks that are there, with the consensus map's box, each turning against another body.

    Raises:
        ParameterError: which row does not, or that the consensus refinement had symmetry.
    """
    from cryoloom import star
    from cryoloom.images.headers import read_header

    where = f"{protocol.name}: input fn_bodies"
    tables = list(star.tables_of(star.read(file)).values())
    table = next((one for one in tables if MASK in one.columns), None)
    name = str(file.relative_to(root)) if file.is_relative_to(root) else file.name
    if table is not None and OLD_OFFSET in table.columns and OFFSET not in table.columns:
        # RELION 3.1.3 takes such a file, and lets no body shift.
        raise ParameterError(
            where, found=f"{name}, with {OLD_OFFSET} (px), the label of RELION 3.0", expected=f"{OFFSET}, in Å",
            hint="Multiply it by the pixel size; or let relion.bodies make the file.",
        )  # fmt: skip
    if table is None or any(label not in table.columns for label in LABELS):
        raise ParameterError(
            where, found=f"{name}, without {MASK}", expected=f"a row for each body with {', '.join(LABELS)}"
        )
    expected = protocol.values["nr_bodies"]
    if table.height != expected:
        raise ParameterError(
            f"{protocol.name}: parameter nr_bodies",
            found=f"{expected}",
            expected=f"{table.height}, the bodies of {name}",
        )
    sizes: dict[str, tuple[int, ...]] = {}
    for row, body in enumerate(table.iter_rows(named=True), start=1):
        mask, other = str(body[MASK]), int(body[RELATIVE])
        if not (root / mask).is_file():
            raise ParameterError(
                where, found=f"{name}, row {row}: {mask}, which is missing", expected="a mask"
            )
        if not 1 <= other <= table.height or (other == row and table.height > 1):
            raise ParameterError(
                where, found=f"{name}, row {row}: {RELATIVE} {other}", expected="the number of another body",
                hint="Each body turns about the line to the one that it is attached to, counted from 1.",
            )  # fmt: skip
        header = read_header(root / mask)
        sizes[mask] = (*header.size, header.frames)
    if len({*sizes.values()}) > 1:
        raise ParameterError(where, found=f"masks with different boxes: {sizes}", expected="masks of one map")
    if optimiser is not None:
        _check_consensus(protocol, optimiser, next(iter(sizes.values())), root)


def _check_consensus(protocol: Protocol, optimiser: Path, box: tuple[int, ...], root: Path) -> None:
    """That the consensus refinement is one of two half sets, without symmetry, with the masks' box."""
    from cryoloom import star

    where = f"{protocol.name}: input fn_in"
    general = star.read(optimiser, ["optimiser_general"])["optimiser_general"]
    if not isinstance(general, Mapping):
        raise ParameterError(where, found=optimiser.name, expected="an optimiser file of an auto-refinement")
    if general.get("rlnDoSplitRandomHalves") != 1:
        raise ParameterError(
            where, found=f"{optimiser.name}, of a refinement without half sets", expected="one of an auto-refinement",
            hint="relion.refine3d makes one.",
        )  # fmt: skip
    sampling = root / str(general.get("rlnOrientSamplingStarFile", ""))
    if sampling.is_file():
        blocks = star.read(sampling, ["sampling_general"])
        symmetry = str(blocks["sampling_general"]["rlnSymmetryGroup"])
        if symmetry.upper() != "C1":
            raise ParameterError(
                where, found=f"a refinement with symmetry {symmetry}", expected="one without (C1)",
                hint="Bodies of a symmetric molecule move each by itself: expand the particles (relion.symmetry_expand) and "
                "refine them in C1.",
            )  # fmt: skip
    model = root / str(general.get("rlnModelStarFile", ""))
    if model.is_file():
        size = int(star.read(model, ["model_general"])["model_general"]["rlnOriginalImageSize"])  # type: ignore[arg-type]
        if box[0] != size:
            raise ParameterError(
                f"{protocol.name}: input fn_bodies", found=f"masks with a box of {box[0]} px",
                expected=f"{size} px, as the consensus map has",
            )  # fmt: skip
