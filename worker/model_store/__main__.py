"""`python -m worker.model_store`: what `longscribe models` goes on as."""

from shared.interrupts import interrupts_end_the_process

with interrupts_end_the_process():
    from worker.model_store.commands import main

main()
