"""What is known of each micrograph of an output, in the units that are told."""

import pytest

from cryoloom import Project
from cryoloom.api.micrographs import micrographs_of

pytestmark = [pytest.mark.relion, pytest.mark.slow]


def test_motion_is_in_angstrom_though_relion_writes_pixels_of_the_movie(tiny: Project) -> None:
    table = tiny.job(3).dataset("micrographs").table(["rlnMicrographName", "rlnAccumMotionTotal"])
    written = dict(table.iter_rows())

    for number in (3, 4):  # the CTF's table hands it on
        lines = micrographs_of(tiny.job(number), "micrographs").lines
        assert {line.micrograph: line.motion for line in lines} == pytest.approx(
            {name: 3.0 * value for name, value in written.items()}
        )
