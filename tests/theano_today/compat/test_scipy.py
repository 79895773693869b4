"""Private modules of SciPy under the names that they had."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_public_and_private_names():
    from scipy.signal import convolve2d
    from scipy.signal.signaltools import _bvalfromboundary, _valfrommode
    from scipy.signal.sigtools import _convolve2d

    assert _valfrommode("valid") == 0
    assert _bvalfromboundary("fill") == 0
    image, taps = np.arange(12.0).reshape(3, 4), np.ones((2, 2))
    got = _convolve2d(image, taps, 1, _valfrommode("valid"), _bvalfromboundary("fill"), 0)
    np.testing.assert_array_equal(got, convolve2d(image, taps, "valid"))


def test_theanos_convolution_in_python():
    """ConvOp's perform, which mode=FAST_COMPILE runs, calls them."""
    from theano.tensor.nnet.conv import ConvOp

    x, w = T.dtensor4(), T.dtensor4()
    op = ConvOp(imshp=(1, 3, 4), kshp=(2, 2), nkern=1, bsize=1, output_mode="valid")
    f = theano.function([x, w], op(x, w), mode=theano.Mode("py", None))
    image = np.arange(12.0).reshape(1, 1, 3, 4)
    taps = np.arange(4.0).reshape(1, 1, 2, 2)
    want = sum(
        taps[0, 0, 1 - i, 1 - j] * image[:, :, i : i + 2, j : j + 3] for i in (0, 1) for j in (0, 1)
    )
    np.testing.assert_allclose(f(image, taps), want)


def test_names_of_numpys():
    import scipy
    from scipy import array, zeros

    assert zeros((2, 3)).shape == (2, 3)
    assert array([1, 2]).sum() == 3
    assert scipy.sqrt(-1) == 1j  # as numpy.emath has it, not NumPy
    assert scipy.randn(2, 3).shape == (2, 3)
    assert scipy.linalg.__name__ == "scipy.linalg"
    for name in ("nothing", "_pytesttester", "RandomState"):
        with pytest.raises(AttributeError, match=name):
            getattr(scipy, name)


def test_windows_and_integrals():
    from scipy.integrate import cumtrapz, simps, trapz
    from scipy.signal import gaussian, hann, windows

    assert gaussian is windows.gaussian
    assert hann is windows.hann
    assert gaussian(3, 1.0) == pytest.approx([np.exp(-0.5), 1, np.exp(-0.5)])
    x = np.linspace(0, 1, 5)
    assert trapz(x, x) == pytest.approx(0.5)
    assert simps(x**2, x=x) == pytest.approx(1 / 3)
    assert cumtrapz(x, x)[-1] == pytest.approx(0.5)
