"""Picks of the values in the form on one micrograph, made by RELION itself."""

from cryoloom.api.picking_trial import OF_BLOBS, OF_TEMPLATES, try_picking
from cryoloom.api.wizards.advised import Advised, Asked
from cryoloom.errors import ParameterError
from cryoloom.protocol.declare import relion_text
from cryoloom.protocol.wizards import Slider

RANGES = {
    "log_adjust_thr": (-2.0, 4.0, 0.1),
    "log_upper_thr": (0.5, 10.0, 0.1),
    "threshold_autopick": (0.0, 1.0, 0.01),
    "mindist_autopick": (10.0, 500.0, 5.0),
    "maxstddevnoise_autopick": (0.8, 3.0, 0.05),
}


def picked(asked: Asked, of: str) -> Advised:
    """The micrograph with its picks; moving a threshold picks anew from maps that were computed once."""
    micrographs = asked.input(of)
    spec = asked.form.params
    given = {
        name: relion_text(value)
        for name, value in asked.form.values.items()
        if value != spec[name].default and name != "continue_manual"
    }
    given |= {name: dataset.path for name, dataset in asked.form.given.items() if dataset}
    if not micrographs.job:
        raise ParameterError(f"{asked.form.name}: input {of}", found="a file", expected="a job's micrographs")
    found = try_picking(asked.project, micrographs.job, given, item=asked.item)
    tuned = OF_BLOBS if asked.form.values["do_log"] else OF_TEMPLATES
    sliders = [Slider(name, *RANGES[name]) for name in tuned if name in RANGES]
    first = found.trials[0]
    said = f"{first.picks} picks on {found.micrograph}."
    if not found.is_from_maps:
        said += " Thresholds are moved in a moment now: what they are applied to has been computed."
    return Advised(found.look().parts, said, (), sliders, found.micrograph)
