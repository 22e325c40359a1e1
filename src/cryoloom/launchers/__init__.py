"""How an attempt's process is started, and the machine's slots.

`launcher.py` says what a launcher is, `local.py` is the one that is there; batch systems follow as files of their own.
"""
