"""The page on which a person says how they want to be told that a job has ended."""
