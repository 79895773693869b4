"""Names that NumPy dropped, and those that it has and keeps."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest

NAMES = vars(np)  # not np.int: ruff would mend it


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("int", int),
        ("float_", np.float64),
        ("NaN", np.nan),
        ("alltrue", np.all),
        ("object", object),
    ],
)
def test_old_names(old, new):
    assert NAMES[old] is new


def test_a_name_that_numpy_has_is_numpys():
    assert np.bool is np.bool_  # since 2.0; Python's bool until 1.23


def test_casts():
    assert NAMES["cast"]["float32"]([1, 2]).dtype == np.float32
    x = type("Variable", (), {"dtype": "int8"})()  # as Theano's gradients say it
    assert NAMES["cast"][x](1).dtype == np.int8


def test_scalars_and_letters():
    assert NAMES["asscalar"](np.array([2.5])) == 2.5
    assert NAMES["math"].pi == np.pi
    assert NAMES["sctype2char"]("float32") == "f"


def test_what_theano_asks_of_distutils():
    from numpy.distutils.misc_util import get_numpy_include_dirs
    from numpy.distutils.system_info import get_info
    from numpy.linalg.linalg import LinAlgError

    assert get_numpy_include_dirs() == [np.get_include()]
    assert get_info("blas_opt") == {}
    assert LinAlgError is np.linalg.LinAlgError


def test_a_package_that_offers_its_tests():
    from numpy.testing import Tester

    with pytest.raises(NotImplementedError, match="pytest"):
        Tester().test("full", verbose=1)
