"""Bundled demonstration model: four small networks trained on synthesised speech.

It exists so that a fresh checkout transcribes a recording at once, offline, on any machine, and so
that tests and benchmarks have speech whose text and times are known exactly. README.md is its model
card. Importing this package gives only paths; the recipe (`python -m
worker.demo_model.recipe.build` makes it anew) lives in the submodules and needs espeakng-loader,
soxr and scipy.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent

ASR_DIR = _HERE / "asr"  # SeacoParaformer: text, token times, hotwords
VAD_DIR = _HERE / "vad"  # FSMN-VAD: where speech is
PUNC_DIR = _HERE / "punc"  # CT-Transformer: punctuation
SPK_DIR = _HERE / "spk"  # SpeakerTdnn: whose voice

SAMPLE_MEETING = _HERE / "sample_meeting.flac"
SAMPLE_REFERENCE = _HERE / "sample_meeting.json"

# On the model card: raise it whenever the folders above are trained again.
REVISION = "demo-3"
