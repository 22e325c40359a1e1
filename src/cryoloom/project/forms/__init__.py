"""RELION's forms of a project, each in a module: what its numbers, words and options mean."""
