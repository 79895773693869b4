"""theano.tensor.signal.downsample, against loops."""

from __future__ import annotations

import numpy as np
import pytest

import theano_today  # noqa: F401


def pooled(x, size, ignore_border):
    rows, columns = (
        [n // size if ignore_border else -(-n // size) for n in x.shape[2:]]
    )  # fmt: skip
    return np.array(
        [
            [
                [
                    [
                        plane[i * size : (i + 1) * size, j * size : (j + 1) * size].max()
                        for j in range(columns)
                    ]
                    for i in range(rows)
                ]
                for plane in image
            ]
            for image in x
        ]
    )


@pytest.mark.parametrize("ignore_border", [True, False])
def test_max_pool_2d_on_odd_sizes(ignore_border):
    import theano
    import theano.tensor as T
    from theano.tensor.signal import downsample

    x = np.random.RandomState(0).normal(size=(2, 3, 7, 5)).astype(np.float32)
    symbol = T.tensor4()
    pool = theano.function(
        [symbol], downsample.max_pool_2d(symbol, (2, 2), ignore_border=ignore_border)
    )
    np.testing.assert_array_equal(pool(x), pooled(x, 2, ignore_border))
