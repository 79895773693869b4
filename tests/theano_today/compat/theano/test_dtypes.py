"""A variable or a type as a dtype: its own dtype, as NumPy 1.19 read it."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import scipy.sparse as sp
import theano
import theano.tensor as T
from theano import gradient, sparse

SOURCES = {
    "variable": lambda: T.wvector(),
    "type": lambda: T.wvector,
    "expression": lambda: T.wvector() + 1,
    "constant": lambda: T.constant(np.int16(3)),
    "shared variable": lambda: theano.shared(np.zeros(2, "int16")),
    "scalar": lambda: theano.scalar.int16(),
    "type of scalars": lambda: theano.scalar.int16,
    "sparse variable": lambda: sparse.csr_matrix(dtype="int16"),
    "shared sparse matrix": lambda: theano.shared(sp.csr_matrix(np.zeros((2, 2), "int16"))),
    "type of sparse matrices": lambda: sparse.csr_matrix(dtype="int16").type,
}
USES = {
    "NumPy": lambda d: np.zeros(2, dtype=d),
    "zeros": lambda d: T.zeros((2,), dtype=d),
    "ones": lambda d: T.ones((2,), dtype=d),
    "zeros_like": lambda d: T.zeros_like(T.dvector(), dtype=d),
    "ones_like": lambda d: T.ones_like(T.dvector(), dtype=d),
    "method": lambda d: T.dvector().zeros_like(d),
    "constant": lambda d: T.constant([1, 2], dtype=d),
    "_asarray": lambda d: theano._asarray([1, 2], dtype=d),
    "to_one_hot": lambda d: T.extra_ops.to_one_hot(T.lvector(), 3, dtype=d),
    "constant scalar": lambda d: theano.scalar.constant(1, dtype=d),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("use", USES)
def test_it_stands_for_its_own(use, source):
    assert USES[use](SOURCES[source]()).dtype == "int16"


@pytest.mark.filterwarnings("ignore:consider_constant")
@pytest.mark.parametrize(
    ("wrapped", "slope"),
    [(gradient.zero_grad, 0), (lambda x: x * gradient.consider_constant(x), 9)],
)
def test_gradients_that_rely_on_it(wrapped, slope):
    x = T.fscalar()
    g = T.grad(wrapped(x) * 3, x)
    assert g.dtype == "float32"
    assert theano.function([x], g, mode="FAST_COMPILE", on_unused_input="ignore")(3) == slope


def test_what_has_none_is_refused_as_ever():
    with pytest.raises((TypeError, ValueError)):
        np.zeros(2, dtype=theano.gof.generic)
