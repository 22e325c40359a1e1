"""Wizards: what the data say of a value, for the form as it stands. Begin reading in `advising.py`."""
