"""Particles: a gallery of images, and how many each micrograph gave."""

from pathlib import Path

from cryoloom.errors import CryoloomError
from cryoloom.protocol.blocks import Block, Gallery, Metrics
from cryoloom.views.tables import table_of

MOST = 40


def particle_views(root: Path, file: str) -> list[Block]:
    """Views of a set of particles with images."""
    particles = table_of(root / file, "particles")
    optics = table_of(root / file, "optics")
    if not particles.height:
        return []
    rows = [("particles", str(particles.height))]
    if "rlnMicrographName" in particles.columns:
        rows.append(("micrographs", str(particles["rlnMicrographName"].n_unique())))
    for label, what in (("rlnImageSize", "box, px"), ("rlnImagePixelSize", "pixel size, Å")):
        if label in optics.columns:
            rows.append((what, ", ".join(f"{value:g}" for value in optics[label].unique().to_list())))
    shown: list[Block] = [Metrics("particles", "Particles", rows)]
    if "rlnImageName" in particles.columns:
        step = max(1, particles.height // MOST)
        gallery = image_gallery(
            root, [str(n) for n in particles["rlnImageName"].gather_every(step).to_list()[:MOST]]
        )
        shown += [gallery] if gallery is not None else []
    return shown


def image_gallery(root: Path, names: list[str]) -> Gallery | None:
    """Images by RELION's references, side by side; None where their files are not there."""
    from cryoloom.images.mrc import image_of_reference
    from cryoloom.images.thumbnails import sheet

    try:
        images = [image_of_reference(name, root) for name in names]
    except (CryoloomError, OSError):
        return None
    labels = [name.partition("@")[0].lstrip("0") for name in names]
    return Gallery("images", "Some of the particles", sheet(images, labels, columns=10, tile_px=72))
