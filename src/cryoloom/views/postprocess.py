"""Post-processing: FSC curves with the resolution of each, and the Guinier plot."""

from collections.abc import Sequence

from cryoloom.protocol.views import Axis, Block, Chart, Look, Metrics, Values, View
from cryoloom.views.maps import enclosed_by
from cryoloom.views.refinement import FSC, resolution_words
from cryoloom.views.tables import blocks_of, numbers

_FSC = (
    ("FourierShellCorrelationCorrected", "corrected"),
    ("FourierShellCorrelationMaskedMaps", "masked"),
    ("FourierShellCorrelationUnmaskedMaps", "unmasked"),
    ("CorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps", "phases randomised"),
)
_GUINIER = (
    ("Original", "original"),
    ("MTFCorrected", "MTF corrected"),  # where a curve of the detector was given
    ("Weighted", "weighted"),
    ("Sharpened", "sharpened"),
    ("Intercept", "fit"),
)
_NOTHING = -90  # RELION writes -99 for the logarithm of nothing


def postprocess_views(job: str) -> list[View]:
    """Views of a post-processing job."""
    file = job + "postprocess.star"
    return [
        View(
            "resolution", "Result", "At an FSC of 0.143, corrected for what the mask itself correlates.",
            (file,), lambda look: _result(look, file),
        ),
        View(
            "fsc", "Fourier shell correlation of the half maps",
            "The corrected curve counts. Phases randomised must be near 0 at the resolution: else the mask is too tight.",
            (file,), lambda look: _curves(look, file),
        ),
        View(
            "guinier", "Guinier plot",
            "The fall of the amplitudes with resolution; sharpening makes it level. The fit gives the "
            "B-factor.",
            (file,), lambda look: _guinier(look, file),
        ),
    ]  # fmt: skip


def _result(look: Look, file: str) -> Sequence[Block]:
    blocks = blocks_of(look.root / file)
    general, fsc = blocks.get("general"), blocks.get("fsc")
    if not isinstance(general, dict) or fsc is None:
        return []
    rows = [("resolution (FSC 0.143)", _final(general, fsc))]
    if "rlnBfactorUsedForSharpening" in general:
        rows.append(("B-factor for sharpening", f"{float(general['rlnBfactorUsedForSharpening']):.1f} Å²"))
    # RELION's rlnParticleBoxFractionSolventMask is no part of the box: it is above 1 for any usual mask.
    mask = str(general.get("rlnMaskName") or "")
    if enclosed := enclosed_by(look.root / mask) if mask else "":
        rows.append(("mask encloses", f"{enclosed} ({mask})"))
    return [Metrics("Result", rows)]


def _final(general, fsc) -> str:  # type: ignore[no-untyped-def]
    resolution = float(general["rlnFinalResolution"])
    finest = min(value for value in numbers(fsc, "rlnAngstromResolution") if value > 0)
    limited = resolution < finest * 1.005
    return f"{resolution:.2f} Å" + (", limited by the pixel size" if limited else "")


def _curves(look: Look, file: str) -> Sequence[Block]:
    blocks = blocks_of(look.root / file)
    general, fsc = blocks.get("general"), blocks.get("fsc")
    if not isinstance(general, dict) or fsc is None:
        return []
    columns: dict[str, list[object]] = {"k": [], "fsc": [], "curve": []}
    for label, name in _FSC:
        values = numbers(fsc, f"rln{label}")
        k = numbers(fsc, "rlnResolution")[: len(values)]
        if not values:
            continue
        if name == "corrected":
            said = f" ({_final(general, fsc)})"
        else:
            said = "" if name == "phases randomised" else f" ({resolution_words(k, values)})"
        columns["k"] += k
        columns["fsc"] += values
        columns["curve"] += [name + said] * len(values)
    return [
        Chart(
            "Fourier shell correlation of the half maps", "line", Values(columns), *FSC, colour="curve", rules=(0.143,),
            caption="Dashed: 0.143.",
        )
    ]  # fmt: skip


def _guinier(look: Look, file: str) -> Sequence[Block]:
    guinier = blocks_of(look.root / file).get("guinier")
    if guinier is None or isinstance(guinier, dict):
        return []
    columns: dict[str, list[object]] = {"k2": [], "amplitude": [], "curve": []}
    squares = numbers(guinier, "rlnResolutionSquared")
    for label, name in _GUINIER:
        values = numbers(guinier, f"rlnLogAmplitudes{label}")
        kept = [(x, y) for x, y in zip(squares, values, strict=False) if y > _NOTHING]
        columns["k2"] += [x for x, _ in kept]
        columns["amplitude"] += [y for _, y in kept]
        columns["curve"] += [name] * len(kept)
    axes = Axis("k2", "1 / resolution², 1/Å²"), Axis("amplitude", "ln amplitude")
    return [Chart("Guinier plot", "line", Values(columns), *axes, colour="curve")]
