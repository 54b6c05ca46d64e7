"""Groups of accounts: `keeping` makes and fills them, and `of_provider` follows what a provider
tells."""
