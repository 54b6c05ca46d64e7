"""Counts of a worker's work, for Prometheus."""
