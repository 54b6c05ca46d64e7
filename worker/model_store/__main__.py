"""`python -m worker.model_store`: what `longscribe models` goes on as."""

from worker.model_store.commands import main

main()
