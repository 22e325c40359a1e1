"""Protocols, one file each; found through entry points, imported by nobody.

The folder is the first part of a protocol's name: `relion/class2d.py` is `relion.class2d`.
"""
