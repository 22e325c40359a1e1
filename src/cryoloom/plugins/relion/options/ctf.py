"""What a classification or refinement needs of its particles to correct for the CTF."""

# RELION takes a defocus that is not there for 0, and says nothing.
NEEDS_OF_CTF = dict.fromkeys(("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"), "do_ctf_correction")
