"""All that an owner has, exported and erased, on both databases."""
