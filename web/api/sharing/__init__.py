"""The part of the API about who may see a job beside its owner."""
