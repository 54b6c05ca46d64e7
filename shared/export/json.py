"""The writer of JSON: all sentences and words, times in seconds, the text as stored by default."""

from __future__ import annotations

import json
from typing import Any

from shared.export.options import ExportOptions, Provenance
from shared.export.paragraphs import join_sentences, paragraphs, styled
from shared.transcripts.overlap import overlap_of
from shared.transcripts.values import Transcript


def write(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
    value: dict[str, Any] = {"job_id": provenance.job_id, **transcript.to_json()}
    overlap = overlap_of(transcript, [sentence.speaker for sentence in transcript.sentences])
    for n, sentence in enumerate(transcript.sentences):
        # For programs that correct: the address of the sentence, the revision to name, and whether
        # and by what rule it was changed.
        value["sentences"][n] |= {
            "n": n if sentence.n is None else sentence.n,
            "revision": sentence.revision,
            "corrected": sentence.corrected,
            "rule": sentence.rule,
            "overlap": None if overlap is None else overlap.of_sentences[n],
        }
        if not options.speakers:
            value["sentences"][n]["speaker"] = None
    if options.spacing or not options.punctuation:
        value["text"] = join_sentences(transcript.sentences, options)
        for sentence in value["sentences"]:
            sentence["text"] = styled(sentence["text"], options)
    if options.paragraphs:
        value["paragraphs"] = [
            {
                "start": paragraph.start,
                "end": paragraph.end,
                "first_sentence": paragraph.first,
                "sentences": len(paragraph.sentences),
            }
            for paragraph in paragraphs(transcript, options)
        ]
    if provenance.marks:
        value["marks"] = [
            {
                "kind": mark.kind,
                "at": mark.at_s,
                "text": mark.text,
                "who": mark.who,
                "due": mark.due,
            }
            for mark in provenance.marks
        ]
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
