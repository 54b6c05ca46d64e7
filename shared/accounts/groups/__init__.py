"""Groups of accounts: `keeping` makes and fills them, and `there` follows what a provider tells."""
