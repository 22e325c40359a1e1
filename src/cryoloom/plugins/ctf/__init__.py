"""Our own CTF estimation: `fit.py` is the method, `estimate.py` the protocol."""
