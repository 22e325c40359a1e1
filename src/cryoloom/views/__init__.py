"""What there is to see of each kind of job; each module one subject.

A subject's functions give `View` declarations. `resolve.py` reads what they name, `charts.py` makes Vega-Lite of it, and
`drawing.py` writes PNG, SVG, PDF or HTML without a browser; `terminal.py` prints what a terminal can show.
"""
