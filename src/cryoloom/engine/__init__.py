"""The clock and the I/O around `schedule`: one detached scheduler a project.

Begin reading in `scheduler.py`. Engine and runner meet only in the job's folder.
"""
