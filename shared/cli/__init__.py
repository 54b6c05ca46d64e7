"""The `longscribe` command: the embedded stack, the demonstration and the migrations."""
