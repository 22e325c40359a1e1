"""The Helix tab of RELION's picking, extraction, classifications and refinements."""

from collections.abc import Mapping

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.pixel_of_map import PixelOfMap
from cryoloom.plugins.relion.options.written import fraction, positive, positive_third, sigma_of_range
from cryoloom.protocol import AUTO, Box, Param, Protocol

OF_HELICES = "He2017"  # how RELION reconstructs them: cited where it does
SEARCH = "do_helix and do_apply_helical_symmetry and do_local_search_helical_symmetry"

PICKED = "not do_log and do_pick_helical_segments"
CUT = "do_extract_helix and do_extract_helical_tubes and do_cut_into_segments"


class HelixPicked:
    """Filaments found by templates of segments."""

    do_pick_helical_segments: bool = Param(
        False, "Pick 2D helical segments?", tab="Helix", when="not do_log", flag="--helix",
        help="Peaks that lie along a line become a filament, and the filament segments, each with its direction.",
    )  # fmt: skip
    do_amyloid: bool = Param(
        False, "Pick amyloid segments?", tab="Helix", when=PICKED, flag="--amyloid",
        help="Another search, for thin and straight fibrils.",
    )  # fmt: skip
    helical_tube_outer_diameter: float = Param(
        200, "Tube diameter", unit="Å", tab="Helix", gt=0, when=PICKED, flag="--helical_tube_outer_diameter",
        help="A little more than the filament's width: two filaments are not found closer to each other.",
    )  # fmt: skip
    helical_nr_asu: int = Param(
        1, "Number of unique asymmetrical units", tab="Helix", ge=1, when=PICKED,
        help="From one segment to the next; times the rise it is their distance.",
    )  # fmt: skip
    helical_rise: float = Param(
        -1, "Helical rise", unit="Å", tab="Helix", when=PICKED,
        help="Of one asymmetrical unit; -1 with one unit: segments are as far apart as RELION has it, half a box.",
    )  # fmt: skip
    helical_tube_kappa_max: float = Param(
        0.1, "Maximum curvature (kappa)", tab="Helix", gt=0, le=1, when=PICKED, flag="--helical_tube_kappa_max",
        help="Of a filament, as a part of that of a circle as wide as it; higher finds more bent ones, and more noise.",
    )  # fmt: skip
    helical_tube_length_min: float = Param(
        -1, "Minimum length", unit="Å", tab="Helix", when=PICKED, flag="--helical_tube_length_min",
        help="Shorter filaments are left out; -1: none.",
    )  # fmt: skip

    def distance_of_segments(self) -> float:
        """From one segment to the next along a filament, Å; negative where RELION decides."""
        return self.helical_nr_asu * self.helical_rise


class HelixExtracted:
    """Segments of filaments, each with its filament's number and the direction as a prior."""

    do_extract_helix: bool = Param(
        False, "Extract helical segments?", tab="Helix", flag="--helix",
        help="Coordinates are filaments or their segments; particles get rlnHelicalTubeID and priors of tilt and psi.",
    )  # fmt: skip
    helical_tube_outer_diameter: float = Param(
        200, "Tube diameter", unit="Å", tab="Helix", gt=0, when="do_extract_helix", flag="--helical_outer_diameter",
        help="A little more than the filament's width: the background is what lies beyond.",
    )  # fmt: skip
    helical_bimodal_angular_priors: bool = Param(
        True, "Use bimodal angular priors?", tab="Helix", when="do_extract_helix",
        flag="--helical_bimodal_angular_priors",
        help="Both directions along the filament are as likely: its polarity is not known. Yes, mostly.",
    )  # fmt: skip
    do_extract_helical_tubes: bool = Param(
        True, "Coordinates are start-end only?", tab="Helix", when="do_extract_helix", flag="--helical_tubes",
        help="Yes: two picks a filament, its ends, one after the other. No: segments with their filament's number, "
        "as helical picking gives them.",
    )  # fmt: skip
    do_cut_into_segments: bool = Param(
        True, "Cut helical tubes into segments?", tab="Helix", when="do_extract_helix and do_extract_helical_tubes",
        flag="--helical_cut_into_segments", flag_off="--helical_nr_asu 1 --helical_rise 1",
        help="No: one box at the middle of each filament.",
    )  # fmt: skip
    helical_nr_asu: int = Param(
        1, "Number of unique asymmetrical units", tab="Helix", ge=1, when=CUT, flag="--helical_nr_asu",
        help="From one segment to the next; times the rise it is their distance.",
    )  # fmt: skip
    helical_rise: float = Param(
        1, "Helical rise", unit="Å", tab="Helix", gt=0, when=CUT, flag="--helical_rise",
        help="Of one asymmetrical unit. Segments overlap: their distance is a tenth of the box, usually.",
    )  # fmt: skip


class Helix2D:
    """Segments of filaments in two dimensions."""

    do_helix: bool = Param(
        False, "Classify 2D helical segments?", tab="Helix",
        help="Segments with priors of their direction, as helical extraction gives them.",
    )  # fmt: skip
    helical_tube_outer_diameter: float = Param(
        200, "Tube diameter", unit="Å", tab="Helix", when="do_helix", flag="--helical_outer_diameter",
        help="A little more than the filament's width; what lies beyond is masked.",
    )  # fmt: skip
    do_bimodal_psi: bool = Param(
        True, "Do bimodal angular searches?", tab="Helix", when="do_helix and dont_skip_align", flag="--bimodal_psi",
        help="Both directions along the filament are tried: its polarity is not known.",
    )  # fmt: skip
    range_psi: float = Param(
        6, "Angular search range - psi", unit="°", tab="Helix", le=180, when="do_helix and dont_skip_align",
        flag="--sigma_psi", written=sigma_of_range, help="Around the filament's direction.",
    )  # fmt: skip
    do_restrict_xoff: bool = Param(
        True, "Restrict helical offsets to rise?", tab="Helix", when="do_helix and dont_skip_align", flag="--helix",
        help="Shifts along the filament go no further than one subunit.",
    )  # fmt: skip
    helical_rise: float = Param(
        4.75, "Helical rise", unit="Å", tab="Helix", when="do_helix and dont_skip_align and do_restrict_xoff",
        flag="--helical_rise_initial", help="From one subunit to the next along the filament.",
    )  # fmt: skip


class HelixOfMap(PixelOfMap):
    """A map of a filament along Z: its pixel size, and where it is good."""

    cyl_outer_diameter: float = Param(
        200, "Tube diameter - outer", unit="Å", gt=0, flag="--cyl_outer_diameter",
        help="A little more than the filament's width; what lies beyond is not looked at.",
    )  # fmt: skip
    cyl_inner_diameter: float = Param(
        -1, "Tube diameter - inner", unit="Å", flag="--cyl_inner_diameter", written=positive,
        help="Of a hollow filament; -1: not hollow.",
    )  # fmt: skip
    z_percentage: float = Param(
        30, "Central Z length", unit="%", ge=10, le=90, flag="--z_percentage", written=fraction,
        help="The middle of the box, where the map is good.",
    )  # fmt: skip


def check_tube(protocol: Protocol, boxes: Mapping[str, Box]) -> None:
    """That the tube lies within the map's box, as RELION's program wants it.

    Raises:
        ParameterError: it does not, or the inner diameter is not within the outer one.
    """
    outer, inner = protocol.values["cyl_outer_diameter"], protocol.values["cyl_inner_diameter"]
    box = boxes.get("fn_in")
    extent = box.extent if box is not None else 0.0
    if box is not None and protocol.values["angpix"] != AUTO:
        extent = min(box.sides, default=box.px) * protocol.values["angpix"]
    if inner >= outer or (extent and outer >= extent):
        raise ParameterError(
            f"{protocol.name}: parameter cyl_outer_diameter", found=f"{outer:g} Å",
            expected="more than the inner diameter" if inner >= outer else f"less than the box of {extent:g} Å",
        )  # fmt: skip


class Helix3D:
    """Filaments along Z, with or without helical symmetry."""

    do_helix: bool = Param(
        False, "Do helical reconstruction?", tab="Helix", flag="--helix", help="The filament lies along Z."
    )
    helical_tube_inner_diameter: float = Param(
        -1, "Tube diameter - inner", unit="Å", tab="Helix", when="do_helix", flag="--helical_inner_diameter",
        written=positive, help="Of a hollow filament; -1: not hollow.",
    )  # fmt: skip
    helical_tube_outer_diameter: float = Param(
        -1, "Tube diameter - outer", unit="Å", tab="Helix", when="do_helix", flag="--helical_outer_diameter",
        help="A little more than the filament's width: it is the mask of segments and map.",
    )  # fmt: skip
    range_rot: float = Param(
        -1, "Angular search range - rot", unit="°", tab="Helix", le=180, flag="--sigma_rot", written=sigma_of_range,
        when="do_helix", help="Around the prior of the rotation about the axis; -1: no prior.",
    )  # fmt: skip
    range_tilt: float = Param(
        15, "Angular search range - tilt", unit="°", tab="Helix", le=180, flag="--sigma_tilt", written=sigma_of_range,
        when="do_helix", help="Around the prior of the tilt: 90° is in the ice's plane.",
    )  # fmt: skip
    range_psi: float = Param(
        10, "Angular search range - psi", unit="°", tab="Helix", le=180, flag="--sigma_psi", written=sigma_of_range,
        when="do_helix", help="Around the filament's direction.",
    )  # fmt: skip
    do_apply_helical_symmetry: bool = Param(
        True, "Apply helical symmetry?", tab="Helix", when="do_helix", flag_off="--ignore_helical_symmetry",
        help="In every iteration. No while rise and twist are not known.",
    )  # fmt: skip
    helical_nr_asu: int = Param(
        1, "Number of unique asymmetrical units", tab="Helix", ge=1, when="do_helix and do_apply_helical_symmetry",
        flag="--helical_nr_asu", help="In each segment: the distance between segments divided by the rise.",
    )  # fmt: skip
    helical_twist_initial: float = Param(
        0, "Initial helical twist", unit="°", tab="Helix", when="do_helix and do_apply_helical_symmetry",
        flag="--helical_twist_initial", help="Positive: right-handed.",
    )  # fmt: skip
    helical_rise_initial: float = Param(
        0, "Initial helical rise", unit="Å", tab="Helix", when="do_helix and do_apply_helical_symmetry",
        flag="--helical_rise_initial", help="From one subunit to the next along the axis.",
    )  # fmt: skip
    helical_z_percentage: float = Param(
        30, "Central Z length", unit="%", tab="Helix", gt=0, le=100, when="do_helix and do_apply_helical_symmetry",
        flag="--helical_z_percentage", written=fraction,
        help="The middle of the box, where the map is good; symmetry is found and imposed by it.",
    )  # fmt: skip
    do_local_search_helical_symmetry: bool = Param(
        False, "Do local searches of symmetry?", tab="Helix", when="do_helix and do_apply_helical_symmetry",
        flag="--helical_symmetry_search", help="Twist and rise are refined within the limits below.",
    )  # fmt: skip
    helical_twist_min: float = Param(
        0, "Helical twist search - Min", unit="°", tab="Helix", when=SEARCH, flag="--helical_twist_min",
        help="Lowest twist.",
    )  # fmt: skip
    helical_twist_max: float = Param(
        0, "Helical twist search - Max", unit="°", tab="Helix", when=SEARCH, flag="--helical_twist_max",
        help="Highest twist.",
    )  # fmt: skip
    helical_twist_inistep: float = Param(
        0, "Helical twist search - Step", unit="°", tab="Helix", when=SEARCH, flag="--helical_twist_inistep",
        written=positive, help="First step; 0: RELION chooses.",
    )  # fmt: skip
    helical_rise_min: float = Param(
        0, "Helical rise search - Min", unit="Å", tab="Helix", when=SEARCH, flag="--helical_rise_min",
        help="Lowest rise.",
    )  # fmt: skip
    helical_rise_max: float = Param(
        0, "Helical rise search - Max", unit="Å", tab="Helix", when=SEARCH, flag="--helical_rise_max",
        help="Highest rise.",
    )  # fmt: skip
    helical_rise_inistep: float = Param(
        0, "Helical rise search - Step", unit="Å", tab="Helix", when=SEARCH, flag="--helical_rise_inistep",
        written=positive, help="First step; 0: RELION chooses.",
    )  # fmt: skip
    helical_range_distance: float = Param(
        -1, "Range factor of local averaging", tab="Helix", when="do_helix", flag="--helical_sigma_distance",
        written=positive_third,
        help="Orientations are averaged along a filament within so many boxes; 2 for flexible ones, -1: not.",
    )  # fmt: skip
    keep_tilt_prior_fixed: bool = Param(
        True, "Keep tilt-prior fixed", tab="Helix", when="do_helix", flag="--helical_keep_tilt_prior_fixed",
        help="No: the prior follows the tilt that was found.",
    )  # fmt: skip
