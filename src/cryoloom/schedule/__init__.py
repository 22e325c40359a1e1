"""A job's state, what may start, what waits and why: pure; knows no clock and no process.

Begin with `state.py`, then `decide.py`.
"""
