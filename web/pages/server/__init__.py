"""How the installation is, for whoever runs it."""
