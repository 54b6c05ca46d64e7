"""FunASR with the classes of the three networks, before the recipe is imported.

The recipe imports all of FunASR, which takes each process that collects these tests four seconds.
"""

from worker.engine.reference.stock_funasr import import_auto_model

import_auto_model()
