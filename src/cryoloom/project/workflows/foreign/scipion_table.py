"""What Scipion's boxes and their parameters are here: one row a parameter, nothing guessed.

Sources: the plugin's parameters with the options of RELION that they become, and the same of ours (`cryoloom help`). A
parameter whose meaning is not known for sure, or that has no counterpart, says so; what is in no row is told as unknown.
"""

from collections.abc import Mapping

from cryoloom.project.workflows.foreign.scipion_forms import Changed, Fate, File, Given, Kind, Lost, To
from cryoloom.project.workflows.foreign.scipion_maps import MAPS
from cryoloom.project.workflows.foreign.scipion_shared import (
    ARGS,
    FLOAT16,
    GAIN_FLIPS,
    GAIN_TURNS,
    GPU,
    IDLE,
    MPI,
    NO_MPI,
    NO_PICTURES,
    RUN,
    STREAM,
    THREADS,
    first_five,
    group,
    in_angst,
    last,
    of_microns,
    positive,
)

KINDS: Mapping[str, Kind] = {
    "ProtImportMovies": Kind(
        "import.movies",
        params={
            "importFrom": Lost("only files are searched", without=(0,)),
            "filesPath": IDLE,  # becomes fn_in_raw
            "filesPattern": IDLE,
            "copyFiles": To("copy"),
            "haveDataBeenPhaseFlipped": Lost("phase-flipped images"),
            "acquisitionWizard": IDLE,
            "voltage": To("kV"),
            "sphericalAberration": To("Cs"),
            "amplitudeContrast": To("Q0"),
            "magnification": IDLE,  # counts with scannedPixelSize only
            "samplingRateMode": Lost("the pixel size as a scanner's has to be given in Å: angpix", without=(0,)),
            "samplingRate": To("angpix"),
            "scannedPixelSize": IDLE,
            "doseInitial": Lost("pre_exposure of relion.motioncorr takes it", without=(0, 0.0, None)),
            "dosePerFrame": To("dose_per_frame", positive, ask="dose of a frame, e/Å²"),
            "gainFile": File("fn_gain_ref", "gain reference"),
            "darkFile": Lost("RELION takes no dark reference"),
            "dataStreaming": To("stream"),
            "timeout": To("timeout"),
            "fileTimeout": To("file_timeout"),
            "blacklistDateFrom": Lost("files are left out by the pattern alone"),
            "blacklistDateTo": Lost("files are left out by the pattern alone"),
            "blacklistFile": Lost("files are left out by the pattern alone"),
            "moviesToExclude": Lost("files are left out by the pattern alone"),
            "useRegexps": IDLE,
            "inputIndividualFrames": Lost("movies are whole files"),
            **dict.fromkeys(
                ("numberOfIndividualFrames", "stackFrames", "writeMoviesInProject", "movieSuffix", "deleteFrames"), IDLE
            ),
        },
        outputs={"outputMovies": ("movies",)},
    ),
    "ProtMotionCorr": Kind(
        "relion.motioncorr",
        inputs={"input_star_mics": Given(("inputMovies",))},
        params={
            "doSaveAveMic": IDLE,
            "useAlignToSum": IDLE,
            "alignFrame0": To("first_frame_sum"),
            "alignFrameN": To("last_frame_sum", last),
            "sumFrame0": IDLE,  # counts without useAlignToSum, which older files have
            "sumFrameN": IDLE,
            "binFactor": To("bin_factor"),
            **dict.fromkeys(
                ("cropOffsetX", "cropOffsetY", "cropDimX", "cropDimY"), Lost("micrographs are whole", without=(0,))
            ),
            "splitEvenOdd": Lost("sums of odd and even frames"),
            "doSaveMovie": Lost("aligned movies are not kept"),
            **NO_PICTURES,
            "computeAllFramesAvg": IDLE,
            "extraProtocolParams": Lost("options of MotionCor"),
            "extraParams": Lost("options of MotionCor"),
            "extraParams2": Lost("options of MotionCor"),
            "useMotioncor2": IDLE,
            "gpuList": IDLE,  # RELION's own works on cores
            "GPUIDs": IDLE,
            "doApplyDoseFilter": To("do_dose_weighting"),
            "patchX": To("patch_x"),
            "patchY": To("patch_y"),
            "patchOverlap": Lost("RELION's patches do not overlap", without=(0,)),
            "group": To("group_frames"),
            "groupLocal": Changed("RELION groups as many frames for patches as for the whole"),
            "tol": Changed("RELION's own has a tolerance of its own"),
            "doSaveUnweightedMic": To("do_save_noDW"),
            "gainRot": GAIN_TURNS,
            "gainFlip": GAIN_FLIPS,
            "defectFile": File("fn_defect", "defects of the camera"),
            "defectMap": File("fn_defect", "defects of the camera, a map"),
            "EERtext": IDLE,
            "eerGroup": To("eer_grouping"),
            "eerSampling": Lost("other_args='--eer_upsampling 2'", without=(0,)),
            "doMagCor": Lost("anisotropic magnification: relion.ctfrefine estimates and corrects it"),
            **dict.fromkeys(("useEst", "scaleMaj", "scaleMin", "angDist"), IDLE),
            "numberOfThreads": Changed("there one thread a GPU; here cores"),
            **NO_MPI,
        },
        outputs=dict.fromkeys(
            ("outputMicrographs", "outputMicrographsDoseWeighted", "outputMovies"), ("micrographs",)
        ),
        said="done by RELION's own motion correction in place of MotionCor",
    ),
    "ProtRelionMotioncor": Kind(
        "relion.motioncorr",
        inputs={"input_star_mics": Given(("inputMovies",))},
        params={
            "sumFrame0": To("first_frame_sum"),
            "sumFrameN": To("last_frame_sum", last),
            "doDW": To("do_dose_weighting"),
            "saveNonDW": To("do_save_noDW"),
            "savePSsum": To("do_save_ps"),
            "dosePSsum": To("group_for_ps"),
            "saveFloat16": FLOAT16,
            **NO_PICTURES,
            "extraParams": ARGS,
            "bfactor": To("bfactor"),
            "patchX": To("patch_x"),
            "patchY": To("patch_y"),
            "groupFrames": To("group_frames"),
            "binFactor": To("bin_factor"),
            "gainRot": Lost("the import knows how its gain lies: gain_rot there", without=(0,)),
            "gainFlip": Lost("the import knows how its gain lies: gain_flip there", without=(0,)),
            "defectFile": File("fn_defect", "defects of the camera"),
            "eerGroup": To("eer_grouping"),
            "eerSampling": Lost("other_args='--eer_upsampling 2'", without=(0,)),
            **THREADS,
            **MPI,
        },
        outputs=dict.fromkeys(
            ("outputMicrographs", "outputMicrographsDoseWeighted", "outputMovies"), ("micrographs",)
        ),
    ),
    "CistemProtCTFFind": Kind(
        "relion.ctffind",
        inputs={"input_star_mics": Given(("inputMicrographs",))},
        params={
            "recalculate": Lost("`cryoloom retry` and copies do jobs again"),
            "sqliteFile": IDLE,
            "inputType": Lost("micrographs are fitted, not movies", without=(1,)),
            "avgFrames": IDLE,
            "usePowerSpectra": To("use_given_ps"),
            "windowSize": To("box"),
            "lowRes": To("resmin", in_angst),
            "highRes": To("resmax", in_angst),
            "minDefocus": To("dfmin", of_microns),
            "maxDefocus": To("dfmax", of_microns),
            "stepDefocus": To("dfstep"),
            "slowSearch": To("slow_search"),
            "fixAstig": Lost("RELION always restrains astigmatism, to dast", without=(True,)),
            "astigmatism": To("dast"),
            "findPhaseShift": To("do_phaseshift"),
            **dict.fromkeys(("minPhaseShift", "maxPhaseShift", "stepPhaseShift"), IDLE),  # taken together
            **STREAM,
            "numberOfThreads": Changed("nr_mpi fits micrographs side by side", without=(1,)),
            **NO_MPI,
        },
        outputs={"outputCTF": ("micrographs",)},
        programs={"fn_ctffind_exe": "the CTFFIND program"},
    ),
    "ProtRelionAutopickLoG": Kind(
        "relion.autopick",
        inputs={"fn_input_autopick": Given(("inputMicrographs",))},
        params={
            "boxSize": IDLE,  # of the coordinates as they are shown
            "minDiameter": To("log_diam_min"),
            "maxDiameter": To("log_diam_max"),
            "areParticlesWhite": Changed("Scipion never told RELION: here log_invert=Yes does", without=(False,)),
            "maxResolution": To("log_maxres"),
            "threshold": To("log_adjust_thr"),
            "threshold2": To("log_upper_thr"),
            "extraParams": ARGS,
            **STREAM,
            **MPI,
        },
        outputs={"outputCoordinates": ("coordinates",)},
        always={"do_log": True},
    ),
    "ProtRelion2Autopick": Kind(
        "relion.autopick",
        inputs={
            "fn_input_autopick": Given(("ctfRelations", "inputMicrographs")),
            "fn_refs_autopick": Given(("inputReferences",), ("referencesType", 0)),
            "fn_ref3d_autopick": Given(("inputReferences3D",), ("referencesType", 1)),
        },
        params={
            "referencesType": To("do_ref3d", lambda value: value == 1 if value in (0, 1) else None),
            "particleDiameter": To("particle_diameter"),
            "symmetryGroup": To("ref3d_symmetry", group),
            "angularSamplingDeg": To("ref3d_sampling", first_five),
            "lowpassFilterRefs": To("lowpass"),
            "highpassFilterMics": To("highpass"),
            "angularSampling": To("psi_sampling_autopick"),
            "refsHaveInvertedContrast": To("do_invert_refs"),
            "refsCtfCorrected": To("do_ctf_autopick"),
            "ignoreCTFUntilFirstPeak": To("do_ignore_first_ctfpeak_autopick"),
            "pickingThreshold": To("threshold_autopick"),
            "interParticleDistance": To("mindist_autopick"),
            "maxStddevNoise": To("maxstddevnoise_autopick"),
            "minAvgNoise": To("minavgnoise_autopick"),
            "shrinkFactor": To("shrink"),
            **GPU,
            "extraParams": ARGS,
            **STREAM,
            **MPI,
        },
        outputs={"outputCoordinates": ("coordinates",)},
    ),
    "ProtRelionExtractParticles": Kind(
        "relion.extract",
        inputs={
            "star_mics": Given(
                ("ctfRelations", "inputMicrographs", "inputCoordinates>ctfRelations", "inputCoordinates>inputMicrographs")
            ),
            "coords_suffix": Given(("inputCoordinates",)),
        },
        params={
            "downsampleType": Lost("particles are cut from the micrographs with the CTF", without=(0,)),
            "boxSize": To("extract_size"),
            "doRescale": To("do_rescale"),
            "rescaledSize": To("rescale"),
            "saveFloat16": FLOAT16,
            "doInvert": To("do_invert"),
            "doNormalize": To("do_norm"),
            "backDiameter": To("bg_diameter"),
            "stddevWhiteDust": To("white_dust"),
            "stddevBlackDust": To("black_dust"),
            **STREAM,
            **MPI,
        },
        outputs={"outputParticles": ("particles",)},
    ),
    **MAPS,
}  # fmt: skip


def fate_of(kind: Kind, name: str) -> Fate | None:
    """What becomes of a parameter; None of one that is not known."""
    return kind.params.get(name) or RUN.get(name)
