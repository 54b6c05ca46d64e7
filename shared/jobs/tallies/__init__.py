"""Tallies of the jobs and the audio that an owner has in each state, kept so that nothing is
counted anew.

Triggers keep the tallies in the transaction that changes a job: `counts` reads them, `folding`
keeps them few, `drift` compares them with the jobs themselves,
`audio` says how much of it a job is counted as.
"""
