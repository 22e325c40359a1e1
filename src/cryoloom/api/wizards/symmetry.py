"""The point group that a map has, whatever was imposed."""

from cryoloom.api.map_surroundings import point_group_of
from cryoloom.api.suggesting import symmetry_of_map
from cryoloom.api.wizards.advised import Advised, Asked, taking
from cryoloom.protocol.views import TableBlock


def found_symmetry(asked: Asked, of: str) -> Advised:
    """Its axes with how well the map agrees with itself about each."""
    dataset = asked.input(of)
    found = symmetry_of_map(asked.root / dataset.path)
    rows = [
        [str(order), ", ".join(f"{value:.2f}" for value in direction), f"{correlation:.3f}"]
        for order, direction, correlation in found.axes
    ]
    said = (
        f"The map has {found.group}." if found.is_clear else f"{found.group} at best, and that is not clear."
    )
    if found.group != "C1" and not found.on_relions_axes:
        said += " Its axes are not RELION's: align them first (relion.symmetrise), or the symmetry is imposed about others."
    # By the map's own job, or by one before it: post-processing asks for no symmetry.
    imposed = point_group_of(asked.project.job(dataset.job)) if dataset.job else None
    if imposed is not None and imposed.group != "C1":
        said += f" {imposed.group} was imposed by {imposed.job}, and is found again in any case."
    parts = [TableBlock("Axes", ("order", "direction", "correlation"), rows)] if rows else []
    proposals = [taking({asked.param: found.group})] if found.is_clear and found.on_relions_axes else []
    return Advised(parts, said, proposals)
