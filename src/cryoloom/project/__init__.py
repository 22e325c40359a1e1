"""A project on disk: a RELION project whose jobs also have `job.json` and `journal.jsonl`.

Begin reading in `folder.py`. The job folder is the truth; nothing is kept in memory between calls.
Each file has one writer (DESIGN, decision 3).
"""
