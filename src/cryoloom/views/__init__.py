"""Figures and pictures made from datasets and RELION's files; each module one subject.

A chart is one Vega-Lite declaration, made with Altair in `charts.py`, and drawn by `drawing.py`
as PNG, SVG, PDF or HTML without a browser. Views of files that are not there yet are left out.
"""
