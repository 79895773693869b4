"""theano.sandbox.cuda.rng_curand: streams of random numbers.

CURAND's own numbers exist on NVIDIA's GPUs only. These have the same distributions, from Theano's
MRG31k3p; the same seed gives other numbers than CURAND's did.
"""

from __future__ import annotations

from theano.sandbox.rng_mrg import MRG_RandomStreams

__all__ = ["CURAND_RandomStreams"]


class CURAND_RandomStreams(MRG_RandomStreams):
    """``CURAND_RandomStreams(seed)`` with `uniform`, `normal` and `updates`.

    `size` is a tuple of int or scalar variables, or a vector variable.
    """

    def __init__(self, seed):
        super().__init__(seed)
