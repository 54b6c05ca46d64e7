"""Scores of a transcript against its reference: characters, words and punctuation."""

import re

import jiwer

from worker.demo_model.recipe.language import grammar


def plain(text: str) -> str:
    """Text as it is compared: Hanzi and Latin letters, upper case."""
    return grammar.bare(text.upper())


def character_error_rate(references: list[str], hypotheses: list[str]) -> float:
    """Error rate in percent, over all texts together."""
    rate = jiwer.cer([plain(text) for text in references], [plain(text) for text in hypotheses])
    return round(100 * float(rate), 2)


def aligned(reference: list[str], hypothesis: list[str]) -> list[tuple[int, int]]:
    """Index pairs of equal words in the best alignment."""
    output = jiwer.process_words([" ".join(reference)], [" ".join(hypothesis)])
    return [
        (chunk.ref_start_idx + step, chunk.hyp_start_idx + step)
        for chunk in output.alignments[0]
        if chunk.type == "equal"
        for step in range(chunk.ref_end_idx - chunk.ref_start_idx)
    ]


def punctuation_f1(reference: str, hypothesis: str) -> float:
    """F1 of marks after the same recognised word, in percent."""

    def words_and_marks(text: str) -> tuple[list[str], dict[int, str]]:
        words: list[str] = []
        marks: dict[int, str] = {}
        for piece in re.findall(rf"[A-Z]+|[\u4e00-\u9fff]|[{grammar.PUNCTUATION}]", text.upper()):
            if piece in grammar.PUNCTUATION:
                marks[len(words) - 1] = piece
            else:
                words.append(piece)
        return words, marks

    words, marks = words_and_marks(reference)
    heard, guessed = words_and_marks(hypothesis)
    hits = sum(marks.get(i) == guessed.get(j) is not None for i, j in aligned(words, heard))
    return round(200 * hits / max(1, len(marks) + len(guessed)), 2)
