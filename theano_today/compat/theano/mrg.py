"""MRG_RandomStreams without C: FAST_COMPILE, DebugMode, float16, or no compiler.

Theano's Python code for MRG31k3p masks an int32 with 0xffffffff. Since NumPy 2.0 (NEP 50) that
number is to be an int32 as well, and raises OverflowError; it made the result an int64 before.

Theano's own loop drew one number at a time. Here all streams draw one at once, with the same
integers, and so the same states. In float32 Theano's Python code multiplied in float64 and
differed from its C code in the last bit of every second number; here the last bit is C's in
every mode.

How streams begin was computed by a C module, one stream after the other. NumPy does it with the
same integers: nothing is compiled for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from theano_today import hooks

# MRG31k3p's two moduli (L'Ecuyer and Touzin 2000), as in rng_mrg.py's C code.
M1 = np.int32(2**31 - 1)
M2 = np.int32(2**31 - 21069)


def install() -> None:
    hooks.after_import("theano.sandbox.rng_mrg", _mend)


def draw(state: np.ndarray, count: int, dtype: str) -> np.ndarray:
    """Draw `count` uniform numbers, the i-th one from stream ``i % len(state)``.

    Parameters
    ----------
    state : int32 array of shape (streams, 6)
        What the streams stand at; moved on in place.
    count : int
    dtype : {"float16", "float32", "float64"}

    Returns
    -------
    array of `dtype` and shape (count,)
        In (0, 1); as Theano's C code computes them (float16: as its Python code does).
    """
    samples = np.empty(count, dtype)
    for begin in range(0, count, len(state)):
        some = samples[begin : begin + len(state)]
        some[...] = _scaled(_next(state[: len(some)]), dtype)
    return samples


def _next(state: np.ndarray) -> np.ndarray:
    """One step of each stream: an integer in 1 ... M1."""
    x11, x12, x13, x21, x22, x23 = state.T.copy()
    # All in int32, where a sum that overflows becomes negative, as in C.
    y1 = _reduced(((x12 & 511) << 22) + (x12 >> 9) + ((x13 & 16777215) << 7) + (x13 >> 24), M1)
    new1 = _reduced(y1 + x13, M1)
    y1 = _reduced(((x21 & 65535) << 15) + 21069 * (x21 >> 16), M2)
    y2 = _reduced(((x23 & 65535) << 15) + 21069 * (x23 >> 16), M2)
    new2 = _reduced(_reduced(y2 + x23, M2) + y1, M2)
    state[...] = np.stack([new1, x11, x12, new2, x21, x22], axis=1)
    difference = new1 - new2
    return np.where(difference <= 0, difference + M1, difference)


def _reduced(y: np.ndarray, modulus: np.int32) -> np.ndarray:
    return np.where((y < 0) | (y >= modulus), y - modulus, y)


def _scaled(numbers: np.ndarray, dtype: str) -> np.ndarray:
    if dtype == "float16":
        return ((numbers & 0x7FFF) + 1) * np.float64(np.float16(3.0458e-05))
    if dtype == "float32":
        return numbers.astype("float32") * np.float32(4.6566126e-10)
    return numbers * 2.0**-31


def substreams(first: np.ndarray, count: int, steps: Sequence[np.ndarray]) -> np.ndarray:
    """Return `count` states of which each is ``steps`` times the one before.

    Parameters
    ----------
    first : int32 array of shape (6,)
    count : int
    steps : two int64 arrays of shape (3, 3)
        What the halves of a state are multiplied by, modulo M1 and M2.

    Returns
    -------
    int32 array of shape (count, 6)
    """
    states = np.empty((count, 6), "int32")
    states[0] = first
    # Twice as many at a time; of a negative seed C's remainders depend on the way there.
    most = count if first.min() >= 0 else 1
    powers, done = list(steps), 1
    while done < count:
        new = min(done, most, count - done)
        states[done : done + new] = _jumped(states[done - min(done, most) :][:new], powers)
        done += new
        if done <= most:
            powers = [
                _product(power, power, modulus)
                for power, modulus in zip(powers, (M1, M2), strict=True)
            ]
    return states


def _jumped(states: np.ndarray, steps: Sequence[np.ndarray], moduli=(M1, M2)) -> np.ndarray:
    """states : (streams, 6). Each half of each state times its matrix."""
    halves = states[:, : steps[0].shape[1]], states[:, steps[0].shape[1] :]
    return np.concatenate(
        [
            _product(step, half.T, modulus)
            for step, half, modulus in zip(steps, halves, moduli, strict=True)
        ]
    ).T


def _product(a: np.ndarray, b: np.ndarray, modulus) -> np.ndarray:
    """a @ b modulo `modulus`, as C has remainders; int64, in which three products overflow."""
    terms = a[:, :, None].astype("int64") * b[None]
    return np.fmod(np.fmod(terms, np.int64(modulus)).sum(axis=1), np.int64(modulus))


def _mend(rng_mrg: ModuleType) -> None:
    def perform(self, node, inp, out, params):
        rstate, size = inp
        count = math.prod(int(length) for length in size)
        if count > M1:
            raise ValueError("rng_mrg does not support more then (2**31 -1) samples")
        rstate = rstate if self.inplace else rstate.copy()
        samples = draw(rstate, count, self.output_type.dtype)
        out[0][0] = node.outputs[0].type.filter(rstate)
        out[1][0] = node.outputs[1].type.filter(samples.reshape(size))

    rng_mrg.mrg_uniform.perform = perform

    original = rng_mrg.mrg_next_value

    def mrg_next_value(rstate, new_rstate, NORM, mask, offset):
        return original(rstate, new_rstate, NORM, np.int64(mask), np.int64(offset))

    rng_mrg.mrg_next_value = mrg_next_value  # type: ignore[attr-defined]

    def mult_mat_vect(v, A, m1, B, m2):
        return _jumped(np.asarray(v)[None], (A, B), (m1, m2))[0].astype("int32")

    vars(mult_mat_vect).update(vars(rng_mrg.multMatVect))
    rng_mrg.multMatVect = mult_mat_vect  # type: ignore[attr-defined]

    def get_substream_rstates(self, n_streams, dtype, inc_rstate=True):
        assert isinstance(dtype, str)
        assert 0 < n_streams < 2**72
        states = substreams(self.rstate, n_streams, (rng_mrg.A1p72, rng_mrg.A2p72))
        if inc_rstate:
            self.inc_rstate()
        return states

    rng_mrg.MRG_RandomStreams.get_substream_rstates = get_substream_rstates
