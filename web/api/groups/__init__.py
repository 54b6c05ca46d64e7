"""The part of the API about groups of accounts."""
