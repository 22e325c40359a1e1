"""Protocols for Cryoloom's own tests and benchmarks: real jobs and real programs that take no time."""
