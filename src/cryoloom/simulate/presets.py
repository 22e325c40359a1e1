"""What a simulated session consists of: the numbers behind `tiny`, `demo`, `late` and `large`.

Contrast, dose and B factor are chosen so that a whole pipeline converges in minutes on two cores: high
contrast leaves few orientations significant, which makes refinement fast as well as reliable.
"""

from dataclasses import dataclass, replace

from cryoloom.em.aberrations import spherical, trefoil
from cryoloom.em.ctf import Microscope, wavelength
from cryoloom.errors import ParameterError

# The molecule is the same in all data sets; of forty that were tried this one is furthest from its mirror
# image and from its other setting (correlation below 0.2 from 48 to 16 Å).
MOLECULE_SEED = 7

Matrix2 = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class OpticsGroup:
    """Movies whose file names share a prefix, and what they share besides."""

    number: int  # from 1, rlnOpticsGroup
    name: str  # rlnOpticsGroupName
    prefix: str  # of the movie's file
    microscope: Microscope
    defocus: tuple[float, float]  # least and greatest mean defocus, Å
    magnification: Matrix2 = (1.006, 0.003, 0.003, 0.996)  # rlnMagMat00, 01, 10, 11
    image_angpix: float = 0.0  # of particles that are made without movies, Å/px; 0: as the preset's
    folder: str = "Movies"  # below the session's, that its movies come into


@dataclass(frozen=True, slots=True)
class BadMovie:
    """A file that a microscope leaves behind when a recording goes wrong."""

    after: int  # it appears after so many good ones
    group: int  # index into Preset.groups
    reason: str  # "truncated" or "wrong size"


GROUPS = (
    OpticsGroup(1, "single", "single", Microscope(beam_tilt_mrad=(0.9, -0.5)), (8000.0, 20000.0)),
    OpticsGroup(2, "multi", "multi", Microscope(beam_tilt_mrad=(-0.6, 0.8)), (10000.0, 22000.0)),
)


@dataclass(frozen=True, slots=True)
class Preset:
    """A data set to simulate."""

    name: str
    movies: int  # good ones
    size: int  # of a square frame, px
    angpix: float  # Å/px
    frames: int
    frame_dose: float  # e/Å²
    particles: int  # a movie
    box: int  # of the true map, px
    contrast: float  # factor on all phases
    b_factor: float  # of the molecule, Å²
    contaminants: tuple[int, int]  # least and most a movie
    bad: tuple[BadMovie, ...]
    groups: tuple[OpticsGroup, ...] = GROUPS
    noise_phase: float = 0.03  # rms phase of the ice in rad a pixel
    least_distance: float = 150.0  # between particles, Å
    heights: float = 400.0  # particles lie within ± this of the micrograph's defocus, Å
    specimen_tilt: tuple[float, float] = (0.0, 0.0)  # degrees: how much, and the axis from x towards y
    astigmatism: float = 600.0  # at most U - V, Å
    drift: tuple[float, float] = (6.0, 12.0)  # whole motion of a movie, Å
    local_motion: float = 4.0  # at the edge, Å
    ripple: float = 0.0  # at most, Å, in waves of 700 Å: what is left to polishing
    second_state: float = 0.3  # part of the particles that lack the arms' ends
    symmetry: str = "T"  # point group of what is imaged
    second: tuple[OpticsGroup, ...] = ()  # of the second session; () where it has those of the first
    broken: float = 0.0  # part of the particles that have lost half of their units: state 3
    monomers: int = 0  # single units that float between them, a movie: state 4
    preferred: float = 0.0  # part of the particles that lie on one face


# Four optics groups, two of each of two sessions, that differ in all that can be refined.
_C = wavelength(300.0)
LATE_GROUPS = (
    OpticsGroup(
        1, "single_a", "single_a",
        Microscope(
            beam_tilt_mrad=(0.9, -0.5), odd_zernike=trefoil(60.0, 20.0), even_zernike=spherical(0.6, _C)
        ),
        (8000.0, 16000.0), (1.012, 0.004, 0.004, 0.990),
    ),
    OpticsGroup(
        2, "multi_a", "multi_a",
        Microscope(
            beam_tilt_mrad=(-0.6, 0.8), odd_zernike=trefoil(40.0, -35.0), even_zernike=spherical(-0.5, _C)
        ),
        (9000.0, 17000.0), (0.994, -0.005, -0.005, 1.007),
    ),
    OpticsGroup(
        3, "single_b", "single_b",
        Microscope(
            beam_tilt_mrad=(0.2, 1.1), odd_zernike=trefoil(80.0, 55.0), even_zernike=spherical(0.3, _C)
        ),
        (8000.0, 16000.0), (1.0, 0.006, 0.006, 1.0),
    ),
    OpticsGroup(
        4, "multi_b", "multi_b",
        Microscope(
            beam_tilt_mrad=(-1.0, -0.7), odd_zernike=trefoil(20.0, 0.0), even_zernike=spherical(-0.8, _C)
        ),
        (9000.0, 17000.0), (1.008, 0.0, 0.0, 1.004),
    ),
)  # fmt: skip

_DEMO_BAD = (BadMovie(4, 0, "truncated"), BadMovie(9, 1, "wrong size"))

# Two sets of movies: one shot a hole, and three a hole by shifting the beam, which tilts it each time otherwise.
_UREASE_M = (1.008, 0.003, 0.003, 0.996)
UREASE_GROUPS = tuple(
    OpticsGroup(
        number, name, name, Microscope(beam_tilt_mrad=tilt), (8000.0, 18000.0), _UREASE_M, folder=folder
    )
    for number, name, tilt, folder in (
        (1, "single", (0.3, -0.2), "single"),
        (2, "multi_a", (1.2, 0.4), "multi"),
        (3, "multi_b", (-0.7, 1.1), "multi"),
        (4, "multi_c", (-0.4, -1.3), "multi"),
    )
)

PRESETS = {
    preset.name: preset
    for preset in (
        Preset("tiny", 6, 512, 3.0, 6, 8.0, 30, 64, 2.6, 130.0, (1, 3), (BadMovie(3, 0, "truncated"),)),
        Preset("demo", 12, 768, 2.4, 12, 4.0, 40, 80, 2.0, 130.0, (2, 4), _DEMO_BAD),
        Preset(
            "late", 4, 640, 2.4, 8, 6.0, 36, 80, 2.8, 80.0, (0, 1), (), LATE_GROUPS[:2],
            heights=600.0, ripple=4.0, second=LATE_GROUPS[2:],
        ),
        Preset(
            "urease", 24, 704, 2.0, 10, 5.0, 26, 96, 3.2, 50.0, (1, 2), (), UREASE_GROUPS,
            heights=500.0, ripple=3.0, second_state=0.25, broken=0.2, monomers=5, preferred=0.25,
        ),
        Preset(
            "urease-tiny", 12, 512, 3.0, 6, 8.0, 22, 64, 3.2, 90.0, (1, 2), (), UREASE_GROUPS,
            heights=500.0, ripple=3.0, second_state=0.25, broken=0.2, monomers=4, preferred=0.25,
        ),
        Preset("large", 16, 896, 2.0, 12, 4.0, 48, 96, 2.0, 130.0, (2, 4), _DEMO_BAD),
    )
}  # fmt: skip

# For particles that are made without movies; a little sharper, so that aberrations show.
PARTICLES = {
    "late": Preset("late", 12, 768, 2.0, 12, 4.0, 40, 96, 2.0, 60.0, (0, 0), (), LATE_GROUPS, heights=1000.0)
}

# One optics group each, so that nothing but the molecule's own subject has to be found.
_ONE = (OpticsGroup(1, "single", "single", Microscope(), (8000.0, 18000.0), (1.0, 0.0, 0.0, 1.0)),)
BODIES = Preset(
    "bodies", 12, 768, 3.0, 12, 4.0, 25, 64, 2.6, 100.0, (0, 0), (), _ONE, second_state=0.0, symmetry="C1"
)
HELIX = Preset(
    "helix",
    4,
    768,
    3.0,
    12,
    4.0,
    0,
    64,
    2.0,
    100.0,
    (0, 0),
    (),
    _ONE,
    heights=0.0,
    second_state=0.0,
    symmetry="C1",
)


def in_session(preset: Preset, session: int, *, same_names: bool = False) -> Preset:
    """The preset as another session records it: the same molecule, other optics groups, files of other names.

    Args:
        session: 1 is the preset itself.
        same_names: files and groups are called as those of the first session although their optics differ, as
            it happens when two days' data are joined.
    Raises:
        ParameterError: the number is below 1.
    """
    if session < 1:
        raise ParameterError("The session", found=str(session), expected="a number from 1 on")
    if session == 1:
        return preset
    groups = preset.second or preset.groups
    ending = "" if preset.second and session == 2 else f"_{session}"
    named = [
        replace(
            group,
            number=number,
            name=first.name if same_names else group.name + ending,
            prefix=first.prefix if same_names else group.prefix + ending,
        )
        for number, (group, first) in enumerate(zip(groups, preset.groups, strict=True), start=1)
    ]
    return replace(preset, name=f"{preset.name}-{session}", groups=tuple(named))


def preset_named(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ParameterError: there is none.
    """
    if name not in PRESETS:
        raise ParameterError(
            "The preset",
            found=repr(name),
            expected="one of " + ", ".join(PRESETS),
            hint="demo is a good start.",
        )
    return PRESETS[name]
