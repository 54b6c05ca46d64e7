"""A step of `worker.bench.gpu` that ends as it is told to; see tests/integration/test_bench_gpu."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    task, answer = json.loads(Path(sys.argv[1]).read_text())["task"], Path(sys.argv[2])
    if task == "says why":
        sys.exit("no device")
    answer.write_text(json.dumps({"problems": [], "figure": 1}))
    if task == "hangs":
        time.sleep(600)
    sys.exit("the reason")
