"""Pages about the state of the installation, for its operator."""
