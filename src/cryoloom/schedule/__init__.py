"""What may start, what waits, and why: pure. Facts in, actions out; knows no clock and no process."""
