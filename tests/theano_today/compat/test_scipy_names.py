"""What scipy.stats, linalg, ndimage and signal dropped: the numbers of SciPy 1.6 and of NumPy."""

from __future__ import annotations

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
from scipy import linalg, ndimage, signal, stats

X = np.array([[1.0, 2.0], [np.nan, 4.0], [5.0, 9.0]])


def test_statistics():
    np.testing.assert_array_equal(stats.nanmean(X), [3, 5])
    assert stats.nanmean(X, None) == 4.2
    np.testing.assert_array_equal(stats.nanmedian(X), [3, 4])
    np.testing.assert_allclose(stats.nanstd(X), [np.sqrt(8), np.sqrt(13)])
    np.testing.assert_allclose(stats.nanstd(X, bias=True)[0], 2)
    assert stats.ss([1, 2, 3]) == 14
    np.testing.assert_allclose(stats.signaltonoise([[1.0, 2.0], [3.0, 2.0]]), [2, 0])
    np.testing.assert_allclose(stats.chisqprob(3.84, 1), 0.05, atol=1e-4)
    assert stats.itemfreq([3, 1, 3]).tolist() == [[1, 1], [3, 2]]


def test_signals():
    # Printed by SciPy 1.6.0.
    wave = [-0.24888322, 0.0, 0.40592085, 0.61329144, 0.40592085, 0.0, -0.24888322]
    np.testing.assert_allclose(signal.ricker(7, 2.0), wave, atol=1e-8)
    x = np.sin(np.arange(20) / 3.0)
    convolved = [
        [-0.25748886, 0.22793064, -0.00572889, -0.22683386],
        [-0.59617682, 1.87651054, -0.05647322, -1.84502899],
    ]
    made = signal.cwt(x, signal.ricker, [1, 3])
    np.testing.assert_allclose(made[:, ::5], convolved, atol=1e-8)


def test_others(tmp_path):
    image = pytest.importorskip("PIL.Image")
    a = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 1.0]])
    np.testing.assert_allclose(linalg.pinv2(a) @ a, np.eye(2), atol=1e-12)
    image.fromarray(np.arange(12, dtype="uint8").reshape(3, 4)).save(tmp_path / "x.png")
    np.testing.assert_array_equal(ndimage.imread(tmp_path / "x.png"), np.arange(12).reshape(3, 4))
