"""What makes Theano 1.0.5, Lasagne 0.1 and nolearn 0.6.1 run on today's Python and NumPy.

Scripts and notebooks write ``import theano_today`` before anything of the old stack, and need to
know no more than that; README.md in this folder is the map. Importing it is cheap: nothing of
Theano, Lasagne or nolearn is loaded until a program imports it.
"""

import logging

from theano_today import errors

# What graphs run on is for those who ask for it (--verbose, --check): not for every program that
# logs its own lines of INFO.
if logging.getLogger("theano_today").level == logging.NOTSET:
    logging.getLogger("theano_today").setLevel(logging.WARNING)

errors.install_excepthook()
errors.refuse_windows()  # before modules are imported that Windows lacks

from theano_today import compat, engine, former_names, kept_graphs, python2, setup, training  # noqa: E402


def activate() -> None:
    """Install everything, in order; a second call changes nothing."""
    compat.install()
    python2.install()
    setup.install()
    engine.install()
    kept_graphs.install()
    training.install()
    former_names.install()


def load_ipython_extension(ipython: object) -> None:
    """Let ``%load_ext theano_today`` do what the import did."""


activate()
