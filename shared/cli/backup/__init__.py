"""Backups of a running installation, and their restoration elsewhere."""
