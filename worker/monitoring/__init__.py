"""What a worker counts of its work, for Prometheus."""
