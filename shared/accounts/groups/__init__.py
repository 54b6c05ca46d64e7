"""Groups of accounts: `membership` makes and fills them, and `provider_groups` follows what a
provider tells."""
