"""How many jobs, and how much audio, an owner has in each state, without counting them.

Triggers keep the tallies in the transaction that changes a job: `counts` reads them, `folding`
keeps them few, `drift` compares them with the jobs themselves,
`audio` says how much of it a job is counted as.
"""
