"""Post-processing: FSC curves with the resolution, and the Guinier plot."""

from pathlib import Path

from cryoloom.protocol.blocks import Block, Metrics
from cryoloom.views import charts
from cryoloom.views.tables import blocks_of, numbers

_FSC = (
    ("FourierShellCorrelationCorrected", "corrected"),
    ("FourierShellCorrelationMaskedMaps", "masked"),
    ("FourierShellCorrelationUnmaskedMaps", "unmasked"),
    ("CorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps", "phases randomised"),
)
_GUINIER = (
    ("Original", "original"),
    ("Weighted", "weighted"),
    ("Sharpened", "sharpened"),
    ("Intercept", "fit"),
)


def postprocess_views(root: Path, job: str) -> list[Block]:
    """Views of a post-processing job."""
    blocks = blocks_of(root / job / "postprocess.star")
    general, fsc, guinier = blocks.get("general"), blocks.get("fsc"), blocks.get("guinier")
    if not isinstance(general, dict) or fsc is None:
        return []
    resolution = float(general["rlnFinalResolution"])
    nyquist = min(value for value in numbers(fsc, "rlnAngstromResolution"))
    limited = resolution < nyquist * 1.005
    said = f"{resolution:.2f} Å" + (", limited by the pixel size" if limited else "")
    rows = [("resolution (FSC 0.143)", said)]
    if "rlnBfactorUsedForSharpening" in general:
        rows.append(("B-factor for sharpening", f"{float(general['rlnBfactorUsedForSharpening']):.1f} Å²"))
    shown: list[Block] = [Metrics("resolution", "Result", rows)]
    columns: dict[str, list[object]] = {"k": [], "fsc": [], "curve": []}
    for label, name in _FSC:
        values = numbers(fsc, f"rln{label}")
        columns["k"] += numbers(fsc, "rlnResolution")[: len(values)]
        columns["fsc"] += values
        columns["curve"] += [f"{name} ({said})" if name == "corrected" else name] * len(values)
    chart = charts.lines(
        columns, "k", "fsc", "curve", x_title="resolution, Å", y_title="Fourier shell correlation",
        x_labels=charts.IN_ANGSTROM,
    ) + charts.rule(0.143)  # fmt: skip
    shown.append(
        charts.finished("fsc", "Fourier shell correlation of the half maps", chart, "Dashed: 0.143.")
    )
    if guinier is not None and not isinstance(guinier, dict):
        columns = {"k2": [], "amplitude": [], "curve": []}
        for label, name in _GUINIER:
            values = numbers(guinier, f"rlnLogAmplitudes{label}")
            kept = [
                (x, y)
                for x, y in zip(numbers(guinier, "rlnResolutionSquared"), values, strict=False)
                if y > -90
            ]
            columns["k2"] += [x for x, _ in kept]
            columns["amplitude"] += [y for _, y in kept]
            columns["curve"] += [name] * len(kept)
        chart = charts.lines(
            columns, "k2", "amplitude", "curve", x_title="1 / resolution², 1/Å²", y_title="ln amplitude"
        )
        shown.append(charts.finished("guinier", "Guinier plot", chart))
    return shown
