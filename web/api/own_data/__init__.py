"""The part of the API by which an account takes all of its data away, and erases it."""
