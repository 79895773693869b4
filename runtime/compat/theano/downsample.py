"""theano.tensor.signal.downsample, gone in 1.0: Lasagne 0.1's pooling layers call max_pool_2d."""

from __future__ import annotations

from types import ModuleType

from runtime.compat import hooks


def install() -> None:
    hooks.supply("theano.tensor.signal.downsample", _fill_downsample)


def _fill_downsample(module: ModuleType) -> None:
    from theano.tensor.signal import pool

    def max_pool_2d(input, ds, ignore_border=None, st=None, padding=(0, 0), mode="max"):
        """Pool the last two axes of `input`, as Theano 0.7's function of this name did."""
        return pool.pool_2d(
            input, ws=ds, ignore_border=ignore_border, stride=st, pad=padding, mode=mode
        )

    module.max_pool_2d = max_pool_2d  # type: ignore[attr-defined]
    module.max_pool_2d_same_size = pool.max_pool_2d_same_size  # type: ignore[attr-defined]
    module.DownsampleFactorMax = pool.Pool  # type: ignore[attr-defined]
