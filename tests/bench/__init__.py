"""Measurements, run by `make bench`: they print figures and check the memory that we promise.

Seconds are printed and never asserted: they belong to the machine.
"""
