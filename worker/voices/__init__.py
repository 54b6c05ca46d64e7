"""Whose voice is whose, before anybody says how many there are."""
