"""The layer list and the table of epochs, printed as nolearn did when the tutorial was written.

nolearn 0.6.1 prints a tabulate table of five decimals instead. `install` puts the two
printers below in the place of nolearn's, for every NeuralNet with ``verbose``.
"""

from __future__ import annotations

import functools
import math
import operator
import os
import re
import sys
from types import ModuleType
from typing import TextIO

from theano_today import hooks
from theano_today.training.progress import is_terminal

BLUE, GREEN, END = "\033[94m", "\033[32m", "\033[0m"

_COLOURS = re.compile(r"\033\[\d*m")


def install() -> None:
    hooks.after_import("nolearn.lasagne.base", _replace_printers)


def _replace_printers(base: ModuleType) -> None:
    # NeuralNet.__init__ looks these two names up in its own module.
    base.PrintLog = PrintLog  # type: ignore[attr-defined]
    base.PrintLayerInfo = PrintLayerInfo  # type: ignore[attr-defined]


def write_line(text: str, sink: TextIO | None = None) -> None:
    """Write one line to `sink` (default: today's sys.stdout) and flush it.

    Flushed, so that a log file or a pipe shows each epoch when it ends.
    """
    print(text, file=sink or sys.stdout, flush=True)


def has_colour(sink: TextIO) -> bool:
    """Say whether `sink` is a terminal that wants colours (see no-color.org)."""
    return is_terminal(sink) and not os.environ.get("NO_COLOR")


class PrintLayerInfo:
    """A handler for on_training_started: prints each layer's class, shape and size.

    Parameters
    ----------
    sink : text file, optional
        Where to print; default: sys.stdout, looked up at each call.
    """

    def __init__(self, sink: TextIO | None = None) -> None:
        self.sink = sink

    def __call__(self, nn, train_history=None) -> None:
        if train_history:
            return  # the net is being trained further; its layers were printed before
        for layer in nn.get_all_layers():
            write_line(layer_line(layer), self.sink)
        if nn.verbose > 1:
            self._print_receptive_fields(nn)

    def _print_receptive_fields(self, nn) -> None:
        from nolearn.lasagne.handlers import PrintLayerInfo as Original
        from nolearn.lasagne.util import is_conv2d

        if is_conv2d(nn.get_all_layers()):
            for text in Original._get_layer_info_conv(nn):
                colour = has_colour(self.sink or sys.stdout)
                write_line(text if colour else _COLOURS.sub("", text), self.sink)


def layer_line(layer) -> str:
    """Return one line of the layer list, tabs included.

    Examples
    --------
    ``  InputLayer            (None, 1, 96, 96)       produces    9216 outputs``
    """
    shape = layer.output_shape
    count = functools.reduce(operator.mul, (n for n in shape[1:] if n is not None), 1)
    return f"  {layer.__class__.__name__:<18}\t{shape!s:<20}\tproduces {count:>7} outputs"


class PrintLog:
    """A handler for on_epoch_finished: prints one row of the table, a new best in colour.

    Columns: epoch, training loss, validation loss, their quotient, the validation accuracy
    of a classifier, each of the net's own scores, and the seconds the epoch took.

    Parameters
    ----------
    sink : text file, optional
        Where to print; default: sys.stdout, looked up at each call.
    """

    def __init__(self, sink: TextIO | None = None) -> None:
        self.sink = sink
        self.first_iteration = True

    def __call__(self, nn, train_history) -> None:
        sink = self.sink or sys.stdout
        scores = _score_names(nn)
        if self.first_iteration:
            self.first_iteration = False
            for line in header(scores, regression=nn.regression):
                write_line(line, sink)
        text = row(train_history[-1], scores, regression=nn.regression, colour=has_colour(sink))
        write_line(text, sink)

    def __getstate__(self):
        # An open file cannot be pickled, and a reloaded net prints a new table.
        return {"sink": None, "first_iteration": True}


def header(scores: tuple[str, ...] = (), *, regression: bool) -> list[str]:
    """Return the table's three heading lines: a blank one, the names, the rule."""
    names = ["Train loss", "Valid loss", "Train / Val"]
    names += [] if regression else ["Valid acc"]
    columns = [f"  {name:>{_width(name)}}  " for name in (*names, *scores)]
    rule = "|".join("-" * len(column) for column in columns)
    return ["", " Epoch  |" + "|".join(columns) + "|  Dur", f"--------|{rule}|-------"]


def row(info: dict, scores: tuple[str, ...] = (), *, regression: bool, colour: bool = False) -> str:
    """Return the table's line for one entry of ``train_history_``; a dash for what it lacks."""
    train, valid = info["train_loss"], info["valid_loss"]
    # nolearn knows no better than NaN for the loss of a validation set that does not exist;
    # the one of a net that has diverged is NaN, too, but is compared with the best.
    validated = not math.isnan(info["valid_loss_best"])
    # A divisor of 0 is no reason to end a training of hours.
    quotient = train / valid if valid else math.nan
    cells = [
        _painted(f"{train:>10.6f}", BLUE, colour and info["train_loss_best"]),
        _painted(f"{valid:>10.6f}", GREEN, colour and info["valid_loss_best"])
        if validated
        else f"{'-':>10}",
        f"{quotient:>11.6f}" if validated else f"{'-':>11}",
    ]
    if not regression:
        accuracy = f"{info['valid_accuracy'] * 100:.2f}%" if validated else "-"
        cells.append(f"{accuracy:>{_width('Valid acc')}}")
    cells += [f"{info[name]:>{_width(name)}.6f}" for name in scores]
    return f" {info['epoch']:>5}  |  " + "  |  ".join(cells) + f"  |  {info['dur']:>3.1f}s"


def _width(name: str) -> int:
    return max(len(name), 9)


def _score_names(nn) -> tuple[str, ...]:
    scores = [*nn.scores_train, *nn.scores_valid, *(nn.custom_scores or ())]
    return tuple(name for name, _ in scores)


def _painted(text: str, colour: str, wanted: bool) -> str:
    return f"{colour}{text}{END}" if wanted else text
