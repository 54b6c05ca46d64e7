"""Lists of hotwords for training: what is said, what nearly is, and what is not."""

import functools
import math
import random
from dataclasses import dataclass, replace

import torch

from worker.demo_model.recipe.hotwords.names import gives_away, homophones, made_up_name
from worker.demo_model.recipe.hotwords.states import States
from worker.demo_model.recipe.language.grammar import CHARACTERS, TOKEN_IDS, VOCABULARY

IGNORED = -1  # label of padding
NONE = len(VOCABULARY) - 1  # label of a token that is in no hotword
_END = TOKEN_IDS["</s>"]
_START = TOKEN_IDS["<s>"]  # the last word of every list, which stands for none

_WORDS = 120  # of all lists of a batch together
_LONGEST = 5  # tokens of a hotword
_HANZI = sorted(TOKEN_IDS[character] for character in CHARACTERS)

_MARGINS = (2, 6)  # tokens kept on either side of what is looked at
_LOOKED_AT = 4  # tokens, of an utterance without a name

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Batch:
    """B utterances of up to U tokens, and the N words of their lists, <s> the last."""

    acoustic: torch.Tensor  # [B, U, 128]
    decoded: torch.Tensor  # [B, U, 128]
    mask: torch.Tensor  # [B, U, 1], 1 where there is a token
    labels: torch.Tensor  # [B, U], IGNORED where padded
    tokens: torch.Tensor  # [B, U], what is said, the end symbol among it, IGNORED where padded
    said: torch.Tensor  # [B, U], which of the words it is in, the last for none and where padded
    words: list[Ids]  # N
    listed: torch.Tensor  # [B, N] bool: whether the word is on the utterance's list


def _text(ids: Ids) -> str:
    return "".join(VOCABULARY[i] for i in ids)


def _span(tokens: Ids, rng: random.Random) -> Ids:
    """Draw two to four tokens of an utterance; () where it is too short."""
    length = rng.choice((2, 2, 3, 3, 4))
    if len(tokens) <= length:
        return ()
    first = rng.randrange(len(tokens) - length)
    return tokens[first : first + length]


def _nearly(word: Ids, rng: random.Random) -> Ids:
    """The word with one or two of its tokens replaced, or turned round."""
    if rng.random() < 0.15:
        return word[::-1]
    changed = list(word)
    for place in rng.sample(range(len(word)), min(len(word) - 1, rng.choice((1, 1, 2)))):
        changed[place] = rng.choice(_HANZI)
    return tuple(changed)


def words_at(tokens: Ids, listed: set[Ids]) -> list[Ids | None]:
    """The listed word that each token, and the end symbol, is in. Of words that overlap the longer
    one counts, then the earlier."""
    found: list[Ids | None] = [None] * (len(tokens) + 1)
    for length in range(min(_LONGEST, len(tokens)), 0, -1):
        for first in range(len(tokens) - length + 1):
            place = slice(first, first + length)
            word = tokens[place]
            if word in listed and not any(found[place]):
                found[place] = [word] * length
    return found


def _excerpt(item: States, rng: random.Random) -> States:
    """The name and some tokens on either side, or any tokens of an utterance without one: states
    know of all that was said around them, so training need not see it."""
    length = len(item.name) or _LOOKED_AT
    places = range(max(1, len(item.tokens) - length + 1))
    starts = [i for i in places if item.tokens[i : i + length] == item.name] or places
    middle = rng.choice(starts)
    part = slice(max(0, middle - rng.randint(*_MARGINS)), middle + length + rng.randint(*_MARGINS))
    return States(item.acoustic[part], item.decoded[part], item.tokens[part], item.name)


def _joined(first: States, second: States) -> States:
    """Concatenate two utterances, the end symbol of the first left out."""
    spoken = len(first.tokens)
    return States(
        torch.cat([first.acoustic[:spoken], second.acoustic]),
        torch.cat([first.decoded[:spoken], second.decoded]),
        first.tokens + second.tokens,
        (),
    )


def _varied(part: States, others: list[States], rng: random.Random) -> States:
    """Vary an utterance: in three of five, any neighbouring tokens take the place of its name, half
    of the time where two excerpts were joined. Names alone are too few and would be memorised."""
    if rng.random() < 0.4:
        return part
    if rng.random() < 0.5:
        part = _joined(part, rng.choice(others))
    return replace(part, name=_span(part.tokens, rng))


def _respelt(item: States, rng: random.Random) -> States:
    """The name, wherever it is said, in other characters of the same sound: what to write is told
    by the list alone, and not by what the recogniser would write."""
    others = _homophones()
    spelt = tuple(rng.choice(others.get(token, (token,))) for token in item.name)
    tokens, length = list(item.tokens), len(item.name)
    for first in range(len(tokens) - length + 1):
        if tuple(tokens[first : first + length]) == item.name:
            tokens[first : first + length] = spelt
    return replace(item, tokens=tuple(tokens), name=spelt)


@functools.cache
def _homophones() -> dict[int, tuple[int, ...]]:
    return {
        TOKEN_IDS[character]: tuple(TOKEN_IDS[other] for other in others)
        for character, others in homophones().items()
    }


def make_batch(
    items: list[States], rng: random.Random, *, names_alone: bool, respelt: float = 0.0
) -> Batch:
    """A batch of excerpts whose lists are drawn at random: of any length, four in five with what is
    said. `names_alone`: that is the made-up name; else mostly any of the tokens. `respelt` is the
    share of which the list has homophones."""
    items = [_excerpt(item, rng) for item in items]
    if not names_alone:
        items = [_varied(item, items, rng) for item in items]
    items = [
        _respelt(item, rng) if item.name and rng.random() < respelt else item for item in items
    ]
    return _with_lists(items, rng, names_alone=names_alone)


def _with_lists(items: list[States], rng: random.Random, *, names_alone: bool) -> Batch:
    own: list[list[Ids]] = []
    for item in items:
        said = [item.name] if item.name and rng.random() < 0.8 else []
        if rng.random() < 0.3:
            said.append(_span(item.tokens, rng))
        source = item.name or _span(item.tokens, rng)
        if source and rng.random() < 0.6:
            said.append(_nearly(source, rng))
        own.append([word for word in said if len(word) > 1 and not gives_away(_text(word))])
    pool = dict.fromkeys(word for words in own for word in words)
    while len(pool) < _WORDS:
        pool[tuple(TOKEN_IDS[character] for character in made_up_name(rng))] = None
    words = list(pool)
    index = {word: number for number, word in enumerate(words)}
    listed = torch.zeros(len(items), len(words) + 1, dtype=torch.bool)
    listed[:, -1] = True
    longest = max(len(item.acoustic) for item in items)
    labels = torch.full((len(items), longest), IGNORED)
    tokens = torch.full((len(items), longest), IGNORED)
    said_at = torch.full((len(items), longest), len(words))
    for row, (item, said) in enumerate(zip(items, own, strict=True)):
        others = int(math.exp(rng.uniform(0, math.log(len(words)))))
        if not names_alone and rng.random() < 0.6:
            others = rng.randint(len(words) // 3, len(words))
        on_list = set(rng.sample(words, others)) | set(said)
        listed[row, [index[word] for word in on_list]] = True
        for place, word in enumerate(words_at(item.tokens, on_list)[: len(item.acoustic)]):
            labels[row, place] = item.tokens[place] if word else NONE
            tokens[row, place] = item.tokens[place] if place < len(item.tokens) else _END
            said_at[row, place] = index[word] if word else len(words)
    pad = torch.nn.utils.rnn.pad_sequence
    return Batch(
        acoustic=pad([item.acoustic.float() for item in items], batch_first=True),
        decoded=pad([item.decoded.float() for item in items], batch_first=True),
        mask=(labels != IGNORED).float()[..., None],
        labels=labels,
        tokens=tokens,
        said=said_at,
        words=[*words, (_START,)],
        listed=listed,
    )


def unsaid_batch(items: list[States], count: int, rng: random.Random) -> Batch:
    """Whole utterances with one list for all: so many made-up names, none of them said."""
    batch = _with_lists(items, rng, names_alone=True)
    names = [tuple(TOKEN_IDS[character] for character in made_up_name(rng)) for _ in range(count)]
    labels = torch.where(batch.labels == IGNORED, IGNORED, NONE)
    return replace(
        batch,
        labels=labels,
        said=torch.full_like(labels, count),
        words=[*names, (_START,)],
        listed=torch.ones(len(labels), count + 1, dtype=torch.bool),
    )
