"""Parts of SciPy that come when they are first used."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import scipy.special
import scipy.stats
import theano
import theano.tensor as T

from tests.fresh_python import says


def test_theano_starts_without_them():
    printed = says(
        "import theano_today, theano, lasagne, sys\n"
        "print([m for m in ('stats', 'special', 'signal') if 'scipy.' + m in sys.modules])\n"
        "print(theano.scalar.basic_scipy.scipy.stats.__name__)\n"
    )
    assert printed.splitlines() == ["[]", "scipy.stats"]


def test_ops_that_need_them_in_python():
    """Each of the three packages, without C."""
    x, images, filters = T.fvector(), T.ftensor4(), T.ftensor4()
    function = theano.function(
        [x, images, filters],
        [T.erf(x), T.psi(x), T.chi2sf(x, 3.0), T.nnet.conv2d(images, filters)],
        mode=theano.Mode("py", None),
    )
    random = np.random.RandomState(0)
    x = random.uniform(0.1, 2, 5).astype("float32")
    a, w = (random.normal(size=s).astype("float32") for s in ((1, 1, 3, 3), (1, 1, 2, 2)))
    erf, psi, chi2sf, convolved = function(x, a, w)
    np.testing.assert_allclose(erf, scipy.special.erf(x), rtol=1e-6)
    np.testing.assert_allclose(psi, scipy.special.psi(x), rtol=1e-5)
    np.testing.assert_allclose(chi2sf, scipy.stats.chi2.sf(x, 3), rtol=1e-5)
    expected = [
        [(a[0, 0, i : i + 2, j : j + 2] * w[0, 0, ::-1, ::-1]).sum() for j in range(2)]
        for i in range(2)
    ]
    np.testing.assert_allclose(convolved[0, 0], expected, rtol=1e-5)
