"""What an FSC curve says against its own figure: that it never falls, or falls at once, or that the mask correlates."""

from pathlib import Path

THRESHOLD = 0.143
FIRST_SHELLS = 4  # a curve that falls within so few has no signal
MASK_CORRELATES = 0.1  # of the phase-randomised maps, where the resolution is read


def doubts_of_curves(file: Path) -> list[str]:
    """What makes the curves of a `postprocess.star` look wrong, in sentences.

    Source of the phase-randomised curve's meaning: Chen et al. 2013, Ultramicroscopy 135, 24.
    """
    from cryoloom import star

    table = star.tables_of(star.read(file))["fsc"]
    fsc = table["rlnFourierShellCorrelationCorrected"].to_list()
    finest = table["rlnAngstromResolution"].to_list()
    below = next((shell for shell, value in enumerate(fsc) if shell and value < THRESHOLD), None)
    if below is None:
        return [
            f"The FSC never falls below {THRESHOLD}: the resolution is that of the pixels ({finest[-1]:.2f} Å). Extract finer "
            "pixels; or the half maps are not independent, or were filtered alike."
        ]
    if below <= FIRST_SHELLS:
        return [
            f"The FSC falls below {THRESHOLD} at {finest[below]:.0f} Å already: the half maps have next to nothing in common."
        ]
    label = "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps"
    if label in table.columns and table[label][below] > MASK_CORRELATES:
        return [
            f"With random phases the masked maps still correlate by {table[label][below]:.2f} at {finest[below]:.1f} Å: the"
            " mask is tight or sharp; a wider or softer one is surer."
        ]
    return []
