"""Build FunASR's networks from folders on this disk, and make sure that they really loaded.

FunASR builds what only training needs, loads a checkpoint with missing or misshapen parameters in
silence and leaves them random, runs without normalisation when am.mvn is missing, and changes
torch's threads, the random generators and the root logger as it goes.  Here only what inference
runs is built, whatever is wrong with a folder is a ModelUnavailable that says what and what to do,
and the process is left as it was.
"""
