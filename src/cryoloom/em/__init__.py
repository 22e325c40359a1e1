"""What the data mean: poses, symmetry, contrast transfer, Fourier shells. Arrays in, arrays out.

No file is read here and no program started. Conventions are RELION's; each module names them, and
its tests tie them to what a RELION program does. Begin reading in `poses.py`.
"""
