"""Encoder, decoder and search equal the published equations, written out here without haste: one
span, one head, one frame, one token after the other, nothing kept, nothing masked."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, softmax

from tests.support.speech import firered_models, speech_models
from worker.engine.firered.beam_search import BeamOptions
from worker.engine.firered.uncalibrated_memory import most_tokens
from worker.engine.reference.random_model.firered import EOS, SOS

WIDTH, HEADS = firered_models.SMALL.asr_width, firered_models.SMALL.asr_heads
PER_HEAD = WIDTH // HEADS

State = dict[str, Tensor]


def state() -> State:
    stored: State = firered_models.checkpoint()["model_state_dict"]
    return stored


def norm(x: Tensor, at: str, given: State) -> Tensor:
    return layer_norm(x, x.shape[-1:], given[f"{at}.weight"], given[f"{at}.bias"])


def linear(x: Tensor, at: str, given: State) -> Tensor:
    out = x @ given[f"{at}.weight"].T
    return out + given[f"{at}.bias"] if f"{at}.bias" in given else out


def position(p: int) -> Tensor:
    row = torch.zeros(WIDTH)
    for i in range(0, WIDTH, 2):
        angle = p / 10_000 ** (i / WIDTH)
        row[i], row[i + 1] = math.sin(angle), math.cos(angle)
    return row


def swish(x: Tensor) -> Tensor:
    return x / (1 + torch.exp(-x))


def fed_forward(x: Tensor, at: str, given: State) -> Tensor:
    inner = linear(norm(x, f"{at}.net.0", given), f"{at}.net.1", given)
    return x + linear(swish(inner), f"{at}.net.4", given)


def attended(x: Tensor, at: str, given: State) -> Tensor:
    """Each pair of frames by itself: content, then the distance between them."""
    frames = len(x)
    query = linear(norm(x, f"{at}.layer_norm_q", given), f"{at}.w_qs", given)
    key = linear(norm(x, f"{at}.layer_norm_k", given), f"{at}.w_ks", given)
    value = linear(norm(x, f"{at}.layer_norm_v", given), f"{at}.w_vs", given)
    distance = {
        d: linear(position(d)[None], f"{at}.linear_pos", given)[0] for d in range(-frames, frames)
    }
    heads = []
    for head in range(HEADS):
        part = slice(head * PER_HEAD, (head + 1) * PER_HEAD)
        u, v = given[f"{at}.pos_bias_u"][head], given[f"{at}.pos_bias_v"][head]
        scores = torch.tensor(
            [
                [
                    float((query[i, part] + u) @ key[j, part])
                    + float((query[i, part] + v) @ distance[i - j][part])
                    for j in range(frames)
                ]
                for i in range(frames)
            ]
        )
        heads.append(softmax(scores / math.sqrt(PER_HEAD), dim=-1) @ value[:, part])
    return x + linear(torch.cat(heads, dim=1), f"{at}.fc", given)


def convolved(x: Tensor, at: str, given: State) -> Tensor:
    wide = norm(x, f"{at}.pre_layer_norm", given) @ given[f"{at}.pointwise_conv1.weight"][..., 0].T
    half = wide.shape[1] // 2
    gated = wide[:, :half] * torch.sigmoid(wide[:, half:])
    kernel = given[f"{at}.depthwise_conv.weight"][:, 0]
    reach = kernel.shape[1] // 2
    out = torch.zeros_like(gated)
    for t in range(len(gated)):
        for k in range(kernel.shape[1]):
            if 0 <= t + k - reach < len(gated):
                out[t] += kernel[:, k] * gated[t + k - reach]
    out = swish(norm(out, f"{at}.batch_norm", given))
    return x + out @ given[f"{at}.pointwise_conv2.weight"][..., 0].T


def encoded(features: Tensor, given: State) -> Tensor:
    at = "encoder.input_preprocessor"
    maps = torch.cat([features, torch.zeros(6, features.shape[1])])[None]
    for layer in ("conv.0", "conv.2"):
        maps = torch.nn.functional.conv2d(
            maps[None], given[f"{at}.{layer}.weight"], given[f"{at}.{layer}.bias"], stride=2
        )[0].relu()
    x = linear(maps.transpose(0, 1).flatten(1), f"{at}.out", given)
    for block in range(firered_models.SMALL.asr_encoder_blocks):
        at = f"encoder.layer_stack.{block}"
        x = 0.5 * x + 0.5 * fed_forward(x, f"{at}.ffn1", given)
        x = convolved(attended(x, f"{at}.mhsa", given), f"{at}.conv", given)
        x = 0.5 * x + 0.5 * fed_forward(x, f"{at}.ffn2", given)
        x = norm(x, f"{at}.layer_norm", given)
    return x


def looked_at(x: Tensor, other: Tensor, at: str, given: State, *, causal: bool) -> Tensor:
    query, key, value = (
        linear(rows, f"{at}.{name}", given)
        for rows, name in ((x, "w_qs"), (other, "w_ks"), (other, "w_vs"))
    )
    heads = []
    for head in range(HEADS):
        part = slice(head * PER_HEAD, (head + 1) * PER_HEAD)
        scores = query[:, part] @ key[:, part].T / math.sqrt(PER_HEAD)
        if causal:
            scores += torch.full_like(scores, -math.inf).triu(1)
        heads.append(softmax(scores, dim=-1) @ value[:, part])
    return linear(torch.cat(heads, dim=1), f"{at}.fc", given)


def next_scores(said: list[int], speech: Tensor, given: State) -> Tensor:
    """Of every token after these, all of them computed anew."""
    embedding = given["decoder.tgt_word_emb.weight"]
    positions = torch.stack([position(p) for p in range(len(said))])
    x = embedding[said] * math.sqrt(WIDTH) + positions
    for block in range(firered_models.SMALL.asr_decoder_blocks):
        at = f"decoder.layer_stack.{block}"
        own = norm(x, f"{at}.self_attn_norm", given)
        x = x + looked_at(own, own, f"{at}.self_attn", given, causal=True)
        own = norm(x, f"{at}.cross_attn_norm", given)
        x = x + looked_at(own, speech, f"{at}.cross_attn", given, causal=False)
        own = norm(x, f"{at}.mlp_norm", given)
        x = x + linear(gelu(linear(own, f"{at}.mlp.w_1", given)), f"{at}.mlp.w_2", given)
    return norm(x, "decoder.layer_norm_out", given)[-1] @ embedding.T


def searched(speech: Tensor, given: State, cap: int, options: BeamOptions) -> list[int]:
    """The best text by beam search, every hypothesis a list."""
    beams: list[tuple[float, list[int]]] = [(0.0, [SOS])]
    for _ in range(cap):
        further: list[tuple[float, list[int]]] = []
        for score, said in beams:
            if said[-1] == EOS:
                further.append((score, said))
                continue
            scores = next_scores(said, speech, given) / options.softmax_smoothing
            best = scores.log_softmax(dim=-1).topk(options.beams)
            further += [
                (score + float(gain), [*said, int(token)])
                for gain, token in zip(best.values, best.indices, strict=True)
            ]
        beams = sorted(further, key=lambda beam: -beam[0])[: options.beams]
        if all(said[-1] == EOS for _, said in beams):
            break
    texts = [(score, [t for t in said[1:] if t != EOS]) for score, said in beams]
    return max(texts, key=lambda t: t[0] / ((6 + len(t[1])) / 6) ** options.length_penalty)[1]


@pytest.mark.parametrize(("begin", "seconds"), [(3.0, 0.03), (20.0, 0.9), (31.0, 1.6)])
@torch.inference_mode()
def test_a_span_is_encoded_and_written_as_the_equations_say(begin: float, seconds: float) -> None:
    network, given = firered_models.network(), state()
    features, lengths = network.features([speech_models.excerpt(begin, begin + seconds)])
    ours = network._encode(features, lengths)
    expected = encoded(features[0], given)
    assert ours.shape[1:] == expected.shape
    assert (ours[0] - expected).abs().max() < 2e-4
    cap = most_tokens(len(expected))
    (best,) = network._decode(ours, [len(expected)])
    assert list(best.tokens) == searched(ours[0], given, cap, BeamOptions())
    assert best.is_ended == (len(best.tokens) < cap)
    before = [SOS, *best.tokens]
    for i, (_, token) in enumerate(pairwise(before)):
        scores = next_scores(before[: i + 1], ours[0], given) / BeamOptions().softmax_smoothing
        assert abs(best.probabilities[i] - float(scores.softmax(dim=-1)[token])) < 1e-4
