"""The tutorial's nets beside ours: how far each was trained, and what it reached."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from kfkd.nets import Nets, load_nets
from kfkd.options import SPECIALISTS
from kfkd.tutorial import ENDS

SPECIALISTS_PICKLE = "net-specialists.pickle"


HEADER = [
    "                 the tutorial               here",
    "net           epochs      loss  RMSE   epochs      loss  RMSE  s/epoch",
    "-----------  -------  --------  ----  -------  --------  ----  -------",
]


def shorten(net, epochs: int | None) -> None:
    """Let a net train for `epochs` instead of its own number, on the course of its own number.

    The tutorial's learning rates and momenta go from one value to another over max_epochs:
    the first 1000 epochs of 3000 are not the 1000 of a shorter course.
    """
    if epochs is None:
        return
    for handler in net.on_epoch_finished:
        if hasattr(handler, "epochs"):
            handler.epochs = net.max_epochs
    net.max_epochs = epochs


def rmse(loss: float) -> float:
    """In pixels: 48 undoes load.py's scaling of the targets."""
    return loss**0.5 * 48


def show(folder: Path | None = None) -> int:
    """Print the table of all nets that have a pickle in the folder; returns the exit code, 0."""
    folder = folder or Path()
    found: dict[str, Nets] = {}
    for name in [*ENDS, SPECIALISTS]:
        path = folder / (SPECIALISTS_PICKLE if name == SPECIALISTS else f"{name}.pickle")
        if path.exists():
            found[name] = load_nets(path)
    for line in table(found):
        print(line)
    return 0


def table(found: dict[str, Nets]) -> list[str]:
    """Return the lines that compare trained nets with the tutorial's.

    A net that was trained further than the tutorial's is shown at the tutorial's epoch. The
    specialists' loss is the mean over all coordinates of each one's best epoch, whose weights
    it keeps; of their epochs the sum is shown.
    """
    trained = {name: nets for name, nets in found.items() if all(map(_history, nets.values()))}
    if not trained:
        return ["no net here was trained yet: python examples/kfkd.py net1"]
    lines = list(HEADER)
    for name, nets in trained.items():
        lines.append(_specialists(nets) if name == SPECIALISTS else _row(name, *nets.values()))
    notes = []
    generated = [
        name
        for name, nets in trained.items()
        if any(getattr(net, "trained_on_", "") == "generated" for net in nets.values())
    ]
    if generated:
        notes.append(f"trained on generated faces, so not to be compared: {', '.join(generated)}")
    if "net1" in trained and "net2" in trained:
        times = [_seconds(net) for name in ("net1", "net2") for net in trained[name].values()]
        notes.append(
            f"an epoch of net2 takes {times[1] / times[0]:.1f} times as long as one of net1 "
            "(the tutorial: 15 times)"
        )
    return lines + [""] * bool(notes) + notes


def _row(name: str, net: Any) -> str:
    history, published = _history(net), ENDS[name]
    row = history[min(published.epoch, len(history)) - 1]
    return _line(
        name, _cells(published.epoch, published.valid_loss), row["epoch"], row["valid_loss"],
        _seconds(net),
    )  # fmt: skip


def _specialists(nets: Nets) -> str:
    best = {c: min(float(row["valid_loss"]) for row in _history(n)) for c, n in nets.items()}
    loss = sum(best[columns] * len(columns) for columns in nets) / sum(map(len, nets))
    epochs = sum(len(_history(net)) for net in nets.values())
    seconds = sum(row["dur"] for net in nets.values() for row in _history(net)) / epochs
    return _line("specialists", f"{'-':>7}  {'-':>8}  {'-':>4}", epochs, loss, seconds)


def _line(name: str, theirs: str, epochs: int, loss: float, seconds: float) -> str:
    return f"{name:<11}  {theirs}  {_cells(epochs, loss)}  {seconds:>7.2f}"


def _cells(epochs: int, loss: float) -> str:
    return f"{epochs:>7}  {loss:>8.6f}  {rmse(loss):>4.2f}"


def _history(net) -> list[dict[str, Any]]:
    return net.train_history_


def _seconds(net) -> float:
    return statistics.median(row["dur"] for row in _history(net))
