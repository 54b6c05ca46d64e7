"""What the web server, the workers and the commands have in common."""

import gc

from shared.garbage import WHILE_STARTING

gc.set_threshold(WHILE_STARTING)
