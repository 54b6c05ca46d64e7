"""`python -m worker.bench`: what `longscribe bench` goes on as."""

from shared.interrupts import interrupts_end_the_process

with interrupts_end_the_process():
    from worker.bench.command import main

main()
