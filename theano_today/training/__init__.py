"""What nolearn's NeuralNet gains: the tutorial's table, small pickles, runs that nothing spoils.

Everything works through nolearn's own handlers and through hooks that take effect when
nolearn is imported, so that the user's code stays the tutorial's.
"""

from theano_today.training import (
    former_layers,
    interrupt,
    pickling,
    random_state,
    split,
    table,
)


def install() -> None:
    """Hook all of it into nolearn and Python; a second call changes nothing."""
    table.install()
    pickling.install()
    random_state.install()
    former_layers.install()
    interrupt.install()
    split.install()
