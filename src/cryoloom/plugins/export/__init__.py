"""What leaves a project: folders that other programs and people can take as they are."""
