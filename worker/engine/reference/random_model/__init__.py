"""Models of the real architectures with random weights, for measuring without a download.

A network costs the same time and memory whatever its weights say, as long as it does as much:
finds speech where there is some, hears about four tokens a second, sets a mark every few words.
So a few biases are fitted on the sample meeting and everything else stays random.  The text means
nothing.  FireRedASR2's writes as much as it happens to, up to its cap.
"""

from worker.engine.reference.random_model.build import make_random_model
from worker.engine.reference.random_model.sizes import (
    BICIF,
    FIRERED,
    LARGE,
    SEACO,
    SENSEVOICE,
    SIZES,
    ModelSizes,
)

__all__ = [
    "BICIF",
    "FIRERED",
    "LARGE",
    "SEACO",
    "SENSEVOICE",
    "SIZES",
    "ModelSizes",
    "make_random_model",
]
