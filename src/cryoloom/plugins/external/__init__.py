"""Code that is no protocol: somebody's program, or a block of a script or notebook, as a recorded job."""
