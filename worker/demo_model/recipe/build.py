"""Make the demonstration model anew: `python -m worker.demo_model.recipe.build`.

Speech is synthesised, four networks are trained on it, the recogniser learns to look for hotwords,
the sample meeting is spoken, and the result is measured and written to evaluation.json. Seeded
throughout; README.md says how long it takes.
"""

import argparse
import json
import logging
import multiprocessing
import resource
import tempfile
from pathlib import Path
from typing import Any

from worker.demo_model import (
    ASR_DIR,
    PUNC_DIR,
    SAMPLE_MEETING,
    SAMPLE_REFERENCE,
    SPK_DIR,
    VAD_DIR,
)

SHARDS, SHARD_SIZE = 12, 3000  # 36,000 utterances, 48 hours of speech
HOTWORD_SHARDS, HOTWORD_SHARD_SIZE = 4, 2000
STAGES = ("sample", "vad", "punc", "asr", "hotwords", "spk", "evaluate")

log = logging.getLogger(__name__)


def run_stage(stage: str, output: Path, work: Path) -> None:
    """Run one stage; model folders and sample go to output, training data to work."""
    # Here, so that `--help` needs no torch.
    import torch

    from worker.demo_model.recipe import evaluation
    from worker.demo_model.recipe.hotwords import evaluation as hotwords
    from worker.demo_model.recipe.hotwords import states
    from worker.demo_model.recipe.speech import corpus, meeting
    from worker.demo_model.recipe.training import (
        train_hotwords,
        train_punctuation,
        train_recogniser,
        train_speakers,
        train_voice_activity,
    )
    from worker.demo_model.recipe.voices import corpus as voices

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    # One thread: the order of a sum then never changes, and a rerun gives the same weights.
    torch.set_num_threads(1)
    if stage == "sample":
        meeting.write_sample(output / SAMPLE_MEETING.name, output / SAMPLE_REFERENCE.name)
    elif stage == "vad":
        train_voice_activity.train(output / VAD_DIR.name)
    elif stage == "punc":
        train_punctuation.train(output / PUNC_DIR.name)
    elif stage == "asr":
        pool = corpus.load_or_make_shards(work / "shards", SHARDS, SHARD_SIZE)
        train_recogniser.train(pool, train_recogniser.Schedule(), output / ASR_DIR.name)
    elif stage == "hotwords":
        asr = output / ASR_DIR.name
        heard = states.load_or_make(work / "states", asr, HOTWORD_SHARDS, HOTWORD_SHARD_SIZE)
        train_hotwords.train(heard, train_hotwords.Schedule(), asr, work)
        _record(output, {"hotwords": hotwords.evaluate(asr)})
    elif stage == "spk":
        groups = voices.load_or_make(work / "voices")
        schedule = train_speakers.Schedule()
        _record(output, {"speakers": train_speakers.train(groups, schedule, output / SPK_DIR.name)})
    else:
        _record(output, evaluation.evaluate(output))


def build(stages: list[str], output: Path, work: Path) -> None:
    """Run the named stages in order, each in a process of its own: espeak-ng and the random
    generators then start alike whichever stages are run."""
    spawn = multiprocessing.get_context("spawn")
    for stage in [stage for stage in STAGES if stage in stages]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        process = spawn.Process(target=run_stage, args=(stage, output, work))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"stage {stage} ended with status {process.exitcode}")
        # Of the CPU, not of the clock: the machine may have other work.
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        log.info("%s: %.1f CPU minutes", stage, spent / 60)
        _record(output, {"cpu_minutes": {stage: round(spent / 60, 1)}})


def _record(output: Path, figures: dict[str, Any]) -> None:
    """Merge figures into evaluation.json, keeping those of stages that were not run."""
    path = output / "evaluation.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    spent = known.get("cpu_minutes", {}) | figures.get("cpu_minutes", {})
    figures = figures | {"cpu_minutes": spent}
    text = json.dumps(known | figures, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--output", type=Path, default=ASR_DIR.parent, help="for the model folders")
    scratch = Path(tempfile.gettempdir()) / "longscribe-demo-model"
    parser.add_argument("--work", type=Path, default=scratch, help="for 4 GB of training data")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.output.mkdir(parents=True, exist_ok=True)
    build(options.stages, options.output, options.work)


if __name__ == "__main__":
    main()
