"""Theano's own generator, MRG31k3p: dropout draws the same masks here as on a CPU.

Each stream is a pair of recurrences (P. L'Ecuyer and R. Touzin, Fast combined multiple recursive
generators with multipliers of the form a = +-2^q +- 2^r, 2000), modulo M1 and M2:

    x1[k] = 2^22 x1[k-2] + (2^7 + 1) x1[k-3]        x2[k] = 2^15 x2[k-1] + (2^15 + 1) x2[k-3]
    uniform[k] = ((x1[k] - x2[k]) modulo M1) / 2^31

Theano steps each stream along; here the k-th value is a fixed combination of the stream's state,
so that all rounds of all streams are a handful of kernels.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from theano.sandbox import rng_mrg

from theano_today.torch_link.dispatch.basic import implements, ints
from theano_today.torch_link.target import torch_dtype

M1, M2 = 2**31 - 1, 2**31 - 21069
_STEP1 = ((0, 2**22, 2**7 + 1), (1, 0, 0), (0, 1, 0))
_STEP2 = ((2**15, 0, 2**15 + 1), (1, 0, 0), (0, 1, 0))
# What Theano multiplies by, to the digit: 2^-31, and for float32 a constant of its own.
_NORM = {"float32": float(np.float32(4.6566126e-10)), "float64": 4.656612873077392578125e-10}


@functools.cache  # for good: recordings read them where they are
def _combinations(rounds: int, step, modulus: int, device: torch.device) -> torch.Tensor:
    """Return C, (rounds, 3) int64, with x[k] = C[k-1] . (x[0], x[-1], x[-2]) modulo `modulus`."""
    matrix = np.array(step, dtype=object)
    power, found = np.eye(3, dtype=object), np.empty((rounds, 3), dtype=object)
    for k in range(rounds):
        power = matrix.dot(power) % modulus
        found[k] = power[0]
    return torch.from_numpy(found.astype(np.int64)).to(device)


def _advance(state: torch.Tensor, rounds: int, step, modulus: int) -> torch.Tensor:
    """(3, streams) -> (rounds, streams): the next values of one recurrence."""
    factors = _combinations(rounds, step, modulus, state.device)
    # Each product is below 2^62, which three of them together are not.
    terms = [factors[:, i, None] * state[i] % modulus for i in range(3)]
    return (terms[0] + terms[1] + terms[2]) % modulus


@implements(rng_mrg.mrg_uniform, host=(1,))
def mrg_uniform(op, node, target):
    dtype = node.outputs[1].type.dtype
    if dtype not in _NORM:
        return None
    norm = _NORM[dtype]

    def function(state, size):
        size = ints(size)
        count, streams = int(np.prod(size)), state.shape[0]
        if count == 0:
            return state, torch.empty(size, dtype=torch_dtype(dtype), device=state.device)
        rounds = -(-count // streams)
        # (streams, 6) -> (6, streams)
        old = state.long().T
        first = torch.cat([old[:3].flip(0), _advance(old[:3], rounds, _STEP1, M1)])
        second = torch.cat([old[3:].flip(0), _advance(old[3:], rounds, _STEP2, M2)])
        # (rounds + 3, streams), oldest first
        difference = first[3:] - second[3:]
        drawn = torch.where(difference <= 0, difference + M1, difference)
        uniform = (drawn.to(torch_dtype(dtype)) * norm).reshape(-1)[:count].reshape(size)
        return _last_states(first, second, count, streams, rounds), uniform

    return function


def _last_states(first, second, count: int, streams: int, rounds: int) -> torch.Tensor:
    """(rounds + 3, streams) twice -> (streams, 6) int32, each stream as far as it was used."""

    def after(k: int):
        # The newest value comes first in a state.
        return torch.cat([first[k : k + 3].flip(0), second[k : k + 3].flip(0)])

    used_in_last_round = count - (rounds - 1) * streams
    state = torch.cat(
        [after(rounds)[:, :used_in_last_round], after(rounds - 1)[:, used_in_last_round:]], 1
    )
    return state.T.contiguous().to(torch.int32)
