"""Optics groups given to items: by hand, from a table, by file names, by beam shifts. Begin in `assign.py`."""
