"""theano.tensor.signal.downsample, gone in 1.0: Lasagne 0.1's pooling layers call max_pool_2d.

ignore_border is False where a program leaves it out, as in Theano 0.7: pool_2d of 0.8 and later
warns that it might become True.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks


def install() -> None:
    hooks.supply("theano.tensor.signal.downsample", _fill_downsample)


def _fill_downsample(module: ModuleType) -> None:
    from theano.tensor.signal import pool

    def max_pool_2d(input, ds, ignore_border=False, st=None, padding=(0, 0), mode="max"):
        """Pool the last two axes of `input`, as Theano 0.7's function of this name did."""
        return pool.pool_2d(
            input, ws=ds, ignore_border=ignore_border, stride=st, pad=padding, mode=mode
        )

    module.max_pool_2d = max_pool_2d  # type: ignore[attr-defined]
    module.max_pool_2d_same_size = pool.max_pool_2d_same_size  # type: ignore[attr-defined]
    module.DownsampleFactorMax = pool.Pool  # type: ignore[attr-defined]
