"""Train net2: nolearn's fit, safe from kills and Ctrl-C."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from kfkd.files import source
from theano_today.training import session
from theano_today.training.interrupt import Stopped, exit_code, say_stopped

log = logging.getLogger("theano_today")


def fit(net, X, y, options) -> session.Ending:
    """Call ``net.fit(X, y)`` as the command line says; it can be stopped and resumed.

    Parameters
    ----------
    net : NeuralNet
        Gets the attribute trained_on_, "kaggle" or "generated", for plot_results.py.
    X, y : ndarray
        As `load.load2d` returns them.
    options : Namespace
        See `kfkd.options.net2_options`: epochs, seed, plan, out, live and tensorboard are used
        here.

    Returns
    -------
    session.Ending
        How the training ended.

    Raises
    ------
    UserError
        See `theano_today.training.session.fit`.
    """
    net.max_epochs = options.epochs or net.max_epochs
    net.trained_on_ = source()
    log.info("%s faces", net.trained_on_)
    with _watched(net, X, y, options):
        np.random.seed(options.seed)
        return session.fit(net, X, y, options.plan)


@contextmanager
def _watched(net, X, y, options) -> Iterator[None]:
    """What --live and --tensorboard ask for, for as long as the net trains."""
    live = board = None
    if options.live:
        from kfkd.live import Live

        live = Live(net, X, y, options.out, net.max_epochs)
    if options.tensorboard is not None:
        from kfkd.tensorboard import TensorBoard

        board = TensorBoard(options.tensorboard)
    own = net.on_epoch_finished
    listed = own if isinstance(own, (list, tuple)) else [own]
    net.on_epoch_finished = [*listed, *(h for h in (live, board) if h is not None)]
    try:
        yield
        if live is not None:
            live.update(net, net.train_history_, ended=True)
    finally:
        net.on_epoch_finished = own
        if board is not None:
            board.close()


def run(main: Callable[[], int]) -> int:
    """Return what `main` returns, or 130 if Ctrl-C ended it, with a line instead of a traceback.

    `main` lets a KeyboardInterrupt out only as long as nothing is lost by it.
    """
    try:
        return main()
    except KeyboardInterrupt as error:
        say_stopped(error, f"; {getattr(error, 'kept', Stopped.kept)}")
        return exit_code(error)
