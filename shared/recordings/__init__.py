"""Facts that a recording's file states about itself, read before it is decoded."""
