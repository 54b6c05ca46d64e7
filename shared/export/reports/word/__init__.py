"""Templates that are Word documents: what is in one, whether it may be used, and filling it in.

The placeholders are found and replaced in the document's own XML.  A library of templates (docxtpl)
would run the language of Jinja2, in which a few characters are a loop over billions and no sandbox
bounds time or memory; in here there is nothing to run, and what a template makes is bounded by what
`placeholders` allows of it.
"""

LARGEST_DOCUMENT = 1024 * 1024
"""Bytes of a template that is a Word document."""
