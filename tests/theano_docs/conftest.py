"""Runs every test of this folder on the engine and on Theano's own ops.

Theano's documentation (doc/ of its repository, release 1.0) says what its public functions do.
A module here stands for a page there, or for some pages of one room; its tests say in words of
their own what the page states.

Three times each: on the engine; with engine=stock as on a machine without a compiler, where
every Op runs in Python; and with engine=stock in C, which compiles for minutes and stands
among the long tests. So do the pages of `COMPILED`, whose Ops the engine leaves to C.
"""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

from pathlib import Path

import pytest

from tests import theano_graphs

ENGINES = ("fused", "stock-python", pytest.param("stock", marks=pytest.mark.long))
COMPILED = ("extending", "gradients", "linalg", "modes", "nnet", "scan", "sparse", "tensor_basic")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        page = item.path.stem.removeprefix("test_")
        here = item.path.parent == Path(__file__).parent
        if here and page in COMPILED and item.callspec.params["engine"] == "fused":
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True, params=ENGINES)
def engine(request, monkeypatch):
    """Compile with this engine; the test may ask for its name."""
    import theano
    from theano.compile import mode
    from theano.gof.vm import VM_Linker

    if request.param == "stock-python":
        # cxx="" as where no compiler is found: optimizations ask for it, too.
        monkeypatch.setattr(theano.config, "cxx", "")
        python = mode.Mode(VM_Linker(use_cloop=False, c_thunks=False), theano.config.optimizer)
        monkeypatch.setattr(mode, "instantiated_default_mode", python.excluding("cxx_only"))
    with theano_graphs.engine(request.param.partition("-")[0]):
        yield request.param
