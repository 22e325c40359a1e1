"""The CTF tab of RELION's refinement programs."""

from cryoloom.protocol import Param

# RELION takes a defocus that is not there for 0, and says nothing.
NEEDS_OF_CTF = dict.fromkeys(("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"), "do_ctf_correction")


class Ctf:
    """Whether and how the CTF is part of the model."""

    do_ctf_correction: bool = Param(
        True, "Do CTF-correction?", tab="CTF", flag="--ctf",
        help="Correct amplitudes and phases inside the likelihood.",
    )  # fmt: skip
    ctf_intact_first_peak: bool = Param(
        False, "Ignore CTFs until first peak?", tab="CTF", when="do_ctf_correction", flag="--ctf_intact_first_peak",
        help="Amplitudes below the first peak are left as they are. Helps in 2D when all particles fall into few classes.",
    )  # fmt: skip
