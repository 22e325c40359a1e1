"""Workflows: many jobs from one file, checked as a whole before the first of them is made.

`file.py` reads them, `checking.py` says all that is wrong, `making.py` makes the jobs. `comparing.py`, `schema.py` and
`foreign/` (Scipion's and RELION's own) stand beside.
"""
