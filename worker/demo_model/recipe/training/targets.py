"""Training targets of the two predictors of a BiCifParaformer: the tokens counted by each frame.

Continuous integrate-and-fire adds up a weight a frame and fires a token each time that the sum
passes a whole number. FunASR trains it by the total alone, which takes very many hours of speech to
find where tokens are. We know where each is, so we teach the running sum itself.
"""

from collections.abc import Sequence

import numpy as np

FRAME = 0.060  # s, one encoder frame: 6 shifts of 10 ms
UPSAMPLING = 3  # the timestamp predictor counts in thirds of a frame
_SEEN = 0.042  # s; frame 0 stacks 7 windows, and this is the middle of the last of them
_DECODED_SHIFT = 1.5  # thirds of a frame that FunASR subtracts from a fire to get its time
_PAUSE = 0.060  # s; silence between tokens that the timestamps should show


def token_counts(frames: int, starts: Sequence[float], ends: Sequence[float]) -> np.ndarray:
    """Tokens said by each encoder frame, float32 [frames]: up by one from a token's start to its
    end, and by one more over the last frame for the end symbol. Times in seconds."""
    end = frames * FRAME
    curve = _Curve(-1.0)
    for index, (token_start, token_end) in enumerate(zip(starts, ends, strict=True)):
        curve.through(token_start, index)
        curve.through(token_end, index + 1)
    spoken = len(starts)
    last = ends[-1] + 0.020 if spoken else end
    curve.through(min(last, end - 0.062), spoken)
    curve.through(end - 0.020, spoken + 1)
    return curve.at(np.arange(frames) * FRAME + _SEEN)


def fire_counts(frames: int, starts: Sequence[float], ends: Sequence[float]) -> np.ndarray:
    """Fires by each third of a frame, float32 [3 * frames]: one at each token's start and one at
    the last token's end, which is how FunASR reads timestamps. It cuts a token at 240 ms by itself
    where a pause follows; the plateau half way leaves that pause without weight."""
    thirds = (np.arange(UPSAMPLING * frames) - _DECODED_SHIFT) * FRAME / UPSAMPLING
    if not starts:  # never decoded; spread out so that nothing fires early
        return np.linspace(0, 1, len(thirds), dtype=np.float32)
    curve = _Curve(max(-0.040, starts[0] - 0.160))
    for index, (token_start, token_end) in enumerate(zip(starts, ends, strict=True)):
        curve.through(token_start, index + 1)
        following = starts[index + 1] if index + 1 < len(starts) else token_end
        if following - token_end > _PAUSE:
            curve.through(token_end, index + 1.5)
            curve.through(following - _PAUSE, index + 1.6)
    curve.through(ends[-1], len(starts) + 1)
    return curve.at(thirds)


class _Curve:
    """A line through points, whose times it pushes apart so that it never falls or jumps back."""

    def __init__(self, start: float) -> None:
        self._times, self._counts = [start], [0.0]

    def through(self, time: float, count: float) -> None:
        self._times.append(max(time, self._times[-1] + 1e-6))
        self._counts.append(count)

    def at(self, times: np.ndarray) -> np.ndarray:
        counts: np.ndarray = np.interp(times, self._times, self._counts).astype(np.float32)
        return counts
