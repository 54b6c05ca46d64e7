"""Code shared by the web server, the workers and the commands.

With the first import of it a process looks for garbage seldom while it starts, then as often as any
other (`shared.python_gc`), and no more when it ends.
"""

import gc

from shared.python_gc import WHILE_STARTING, end_without_collecting

gc.set_threshold(WHILE_STARTING)
end_without_collecting()
