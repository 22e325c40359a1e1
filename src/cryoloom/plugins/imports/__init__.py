"""Ways into a project: files are checked and linked, never copied unless asked."""
