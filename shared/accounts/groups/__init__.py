"""Groups of accounts: `membership` makes and fills them, and `of_provider` follows what a provider
tells."""
