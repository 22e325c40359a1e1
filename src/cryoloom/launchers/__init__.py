"""How an attempt's process is started, and the machine's slots. `local.py` is the default launcher.

A launcher is a pair: arguments out, text in. Batch systems follow as files of their own.
"""
