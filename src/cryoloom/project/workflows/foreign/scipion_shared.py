"""Rows that several of Scipion's boxes share, and how its values are told in RELION's way."""

import math
from collections.abc import Mapping
from typing import Any

from cryoloom.project.workflows.foreign.scipion_forms import Changed, Fate, File, Given, Idle, Lost, To

IDLE = Idle()
SAMPLINGS = tuple(f"{step} degrees" for step in ("30", "15", "7.5", "3.7", "1.8", "0.9", "0.5", "0.2", "0.1"))
EACH = ("No", "Per-micrograph", "Per-particle")


def sampling(value: Any) -> str | None:
    """Scipion counts the same steps from 0; RELION 3.1's form ends at 0.1°."""
    return SAMPLINGS[value] if isinstance(value, int) and 0 <= value < len(SAMPLINGS) else None


def first_five(value: Any) -> str | None:
    return SAMPLINGS[value] if isinstance(value, int) and 0 <= value < 5 else None


def each(value: Any) -> str | None:
    return EACH[value] if isinstance(value, int) and 0 <= value < len(EACH) else None


def last(value: Any) -> Any:
    """0 is the last frame there, -1 here."""
    return -1 if value == 0 else value


def positive(value: Any) -> Any:
    """Nothing or less stands for the whole box there; here a diameter is one."""
    return value if isinstance(value, str) or (isinstance(value, int | float) and value > 0) else None


def zeros(value: Any) -> bool | None:
    """The first of two choices fills the mask with zeros."""
    return value == 0 if value in (0, 1) else None


def or_auto(value: Any) -> Any:
    """0 is the map's own pixel size there, -1 here."""
    return value if isinstance(value, str) or value > 0 else -1


def in_angst(value: Any) -> Any:
    """Older forms asked for digital frequencies, below 0.5, which are Å only by a pixel size."""
    return None if isinstance(value, int | float) and value < 1 else value


def of_microns(value: Any) -> Any:
    """Older forms asked for µm, newer ones for Å; nobody searches within a hundred of these."""
    return value * 1e4 if isinstance(value, int | float) and 0 < value < 100 else value


def group(value: Any) -> Any:
    return value.upper() if isinstance(value, str) and not value.startswith("${") else value


FLOAT16 = Changed("RELION 3.1 writes images with 32 bits", without=(False,))
ARGS = To("other_args")
RUN: dict[str, Fate] = {
    "runName": IDLE,
    "runMode": IDLE,
    "hostName": IDLE,
    "_prerequisites": IDLE,  # becomes wait_for
    "_useQueue": Lost("jobs run where the launcher of the settings starts them"),
    "_queueParams": Lost("of a queue"),
    "streamingWarning": IDLE,
    "streamingSleepOnWait": Lost("jobs are woken when items come", without=(0, None)),
    "gpuMsg": IDLE,
}
STREAM: dict[str, Fate] = {"streamingBatchSize": To("batch_size", lambda value: value or None, is_pace=True)}
MPI: dict[str, Fate] = {"numberOfMpi": To("nr_mpi")}
THREADS: dict[str, Fate] = {"numberOfThreads": To("nr_threads")}
NO_MPI: dict[str, Fate] = {"numberOfMpi": Lost("one process", without=(0, 1, None))}
NO_THREADS: dict[str, Fate] = {"numberOfThreads": Lost("one thread", without=(0, 1, None))}
GPU: dict[str, Fate] = {
    "doGpu": To("use_gpu"),
    "gpusToUse": Lost("which GPUs there are the machine tells", without=("", None)),
}
CTF: dict[str, Fate] = {
    "continueMsg": IDLE,
    "doCTF": To("do_ctf_correction"),
    "haveDataBeenPhaseFlipped": Lost("phase-flipped images"),
    "ignoreCTFUntilFirstPeak": To("ctf_intact_first_peak"),
    "doCtfManualGroups": Lost("sets.defocus_groups makes such groups, as a job before"),
    "defocusRange": IDLE,  # of the groups
    "numParticles": IDLE,
}
DISC: dict[str, Fate] = {
    "useParallelDisk": To("do_parallel_discio"),
    "pooledParticles": To("nr_pool"),
    "skipPadding": To("do_pad1"),
    "skipGridding": To("skip_gridding"),
    "allParticlesRam": To("do_preread_images"),
    "useScratch": Lost("a place of that machine: scratch_dir names one here", without=(0, None)),
    "scratchDir": Lost("a place of that machine: scratch_dir names one here"),
    "combineItersDisc": To("do_combine_thru_disc"),
    **GPU,
}
REFINE: dict[str, Fate] = {
    "isClassify": IDLE,
    "is2D": IDLE,
    "fillRandomSubset": IDLE,
    "doContinue": Lost("`cryoloom continue` goes on from an iteration of a job that is there"),
    "continueIter": IDLE,
    "copyAlignment": Changed(
        "RELION begins with the alignment that the particles' table has, where it has one", without=(True,)
    ),
    "alignmentAsPriors": Lost("priors are columns of the table: sets.edit writes them"),
    "maskDiameterA": To("particle_diameter", positive, ask="diameter of the particles' mask, Å"),
    "maskZero": To("do_zero_mask", zeros),
    **CTF,
    "numberOfClasses": To("nr_classes"),
    "regularisationParamT": To("tau_fudge"),
    "numberOfIterations": To("nr_iter"),
    "useFastSubsets": To("do_fast_subsets"),
    "useBlush": Lost("Blush is RELION 5's"),
    "limitResolEStep": To("highres_limit"),
    "doImageAlignment": To("dont_skip_align"),
    "offsetSearchRangePix": To("offset_range"),
    "offsetSearchStepPix": To("offset_step"),
    "allowCoarserSampling": To("allow_coarser"),
    "oversampling": Lost("the form always oversamples once", without=(1,)),
    "extraParams": ARGS,
    **DISC,
    **MPI,
    **THREADS,
}
REFERENCE: dict[str, Fate] = {
    "solventMask": Lost("a second mask: other_args='--solvent_mask2 FILE'"),
    "isMapAbsoluteGreyScale": To("ref_correct_greyscale"),
    "symmetryGroup": To("sym_name", group),
    "initialLowPassFilterA": To("ini_high"),
    "hasReferenceCTFCorrected": To("ctf_corrected_ref"),
    "angularSamplingDeg": To("sampling", sampling),
    "relaxSymm": To("relax_sym", group),
}
FITS = "Scipion scales a reference and a mask to the particles; here they have to fit: relion.image_handler makes them"
GAIN_TURNS = Lost(
    "which way that program turns a gain is not RELION's count for sure: gain_rot of the import", without=(0,)
)
GAIN_FLIPS = Lost(
    "which way that program flips a gain is not RELION's count for sure: gain_flip of the import",
    without=(0,),
)
NO_PICTURES: dict[str, Fate] = {"doComputePSD": IDLE, "doComputeMicThumbnail": IDLE}
PARTICLES = Given(("inputParticles",))
POST = Given(("inputPostprocess",))
SHARPENING: dict[str, Fate] = {
    "calibratedPixelSize": To("angpix", or_auto),
    "mtf": File("fn_mtf", "MTF of the detector, a STAR file"),
    "origPixelSize": To("mtf_angpix", positive),
}


def of_several(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values that follow from more than one parameter of theirs, or from one that sets several of ours."""
    if kind == "ProtRelionBayesianPolishing":
        does_polish = given.get("operation") != 0
        return {"do_polish": does_polish, "do_param_optim": not does_polish, "do_own_params": does_polish}
    if kind == "CistemProtCTFFind" and given.get("findPhaseShift") not in (None, False):
        return _phase_shifts(given)
    if kind == "ProtRelionPostprocess" and given.get("doAutoBfactor") is False:
        return {"do_adhoc_bfac": True, "adhoc_bfac": given.get("bfactor", -350)}
    if kind == "ProtRelionResizeVolume":
        off = {"rescale_angpix": -1} if given.get("doRescale") is not True else {}
        return off | ({"new_box": -1} if given.get("doResize") is not True else {})
    return {}


def _phase_shifts(given: Mapping[str, Any]) -> dict[str, Any]:
    """Degrees; older forms asked for radians, of which a search has at most a turn."""
    names = {"minPhaseShift": "phase_min", "maxPhaseShift": "phase_max", "stepPhaseShift": "phase_step"}
    found = {own: given[name] for name, own in names.items() if given.get(name) is not None}
    most = found.get("phase_max")
    if isinstance(most, int | float) and 0 < most <= math.tau:
        # 3.15 and 0.2, as these forms begin, are 180 and 11 degrees.
        return {
            own: round(math.degrees(value)) if isinstance(value, int | float) else value
            for own, value in found.items()
        }
    return found
