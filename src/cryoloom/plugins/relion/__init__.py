"""RELION's programs. Parameters bear RELION's own job-option names.

`options/` holds groups of parameters that protocols are composed of.
"""
