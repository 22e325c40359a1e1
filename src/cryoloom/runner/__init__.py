"""The program `cryoloom-job`: one job from its `job.json` to its last journal line.

`main.py` is the way in; one module for each of the four kinds of protocols. It is the sole writer
of the job's journal and datasets.
"""
