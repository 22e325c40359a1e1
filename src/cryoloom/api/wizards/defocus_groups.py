"""Defocus groups as the form would make them."""

from cryoloom.api.defocus_groups import defocus_groups_of
from cryoloom.api.wizards.advised import Advised, Asked
from cryoloom.errors import ParameterError
from cryoloom.protocol.wizards import Slider


def grouped(asked: Asked, of: str) -> Advised:
    """A bar for each group."""
    dataset = asked.input(of)
    if not dataset.job:
        raise ParameterError(f"{asked.form.name}: input {of}", found="a file", expected="a job's particles")
    found = defocus_groups_of(
        asked.project, f"{dataset.job}:{dataset.output}",
        defocus_range=asked.number("defocus_range", 1000), min_particles=int(asked.number("min_particles", 10)),
    )  # fmt: skip
    sizes = sorted(group.particles for group in found.groups)
    said = f"{len(sizes)} groups of {sizes[0]} to {sizes[-1]} particles, half of them of at least {sizes[len(sizes) // 2]}."
    return Advised(
        found.look().parts,
        said,
        (),
        [Slider("defocus_range", 50, 5000, 50), Slider("min_particles", 1, 200, 1)],
    )
