"""Groups of parameters that several of RELION's forms share, and how they become arguments."""
