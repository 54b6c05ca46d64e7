"""Mix of many tracks and channels into one: 16 kHz mono int16, in which every voice can be heard.

    mixer = Mixer([TrackFormat(channels=2, integer=True)])
    mixer.add(0, position, sound)    # float32 [channels, samples]
    block = mixer.take()

A recording of one track at a usual level comes out as it is, stereo as the mean of its channels.
What is done beyond that, and on what evidence, is told in `decisions`; `measures` says how levels
and speech are found, `limiter` how peaks above full scale are brought down, and `timeline` how
tracks wait for one another.
"""

from worker.audio.mixing.formats import ChannelUse, MixSummary, TrackFormat, TrackMix
from worker.audio.mixing.mixer import Mixer

__all__ = ["ChannelUse", "MixSummary", "Mixer", "TrackFormat", "TrackMix"]
