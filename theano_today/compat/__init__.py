"""The names that Theano-era code imports and that the packages of today no longer have.

One module per package that moved on; each entry says what broke and since which version.
A name that a current package does define is never replaced, so pandas, scikit-learn, pytest
and the user's own code see what they always saw. Importing Theano wraps
functions of NumPy, pandas and matplotlib whose arguments were others then (whole_floats.py,
numpy_arrays.py, pandas_names.py, matplotlib_calls.py); they are called as they are unless the
package would refuse the call.
"""

from theano_today import hooks
from theano_today.compat import (
    dask_ml,
    h5py,
    keras,
    lasagne,
    matplotlib,
    nolearn,
    numpy,
    pandas,
    quiet,
    scipy,
    sklearn,
    stdlib,
    theano,
    yaml,
)

PACKAGES = (
    stdlib,
    numpy,
    scipy,
    sklearn,
    pandas,
    matplotlib,
    theano,
    lasagne,
    nolearn,
    keras,
    dask_ml,
    h5py,
    yaml,
    quiet,
)


def install() -> None:
    """Install the import hooks and every package's aliases; a second call changes nothing."""
    hooks.install()
    for package in PACKAGES:
        package.install()
