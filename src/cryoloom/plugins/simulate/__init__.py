"""A simulated microscope as a job, so that a workflow can make its own data."""
