"""Nets of different seeds, and the mean of what they predict."""

from __future__ import annotations

import functools
import io
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

import theano_today  # noqa: F401  (a pickled `Mean` names this module before its nets)
from kfkd.cluster.progress import Progress
from kfkd.cluster.results import Results, write
from kfkd.cluster.searching import trained
from kfkd.cluster.training import clear
from kfkd.cluster.work import Cluster
from kfkd.files import source
from kfkd.ladder import rmse
from kfkd.nets import load_net
from theano_today.errors import DataError

COLUMNS = " net   seed    RMSE   best  at epoch  s/epoch"


class Mean:
    """Several nets of the same faces and keypoints, which predicts their mean.

    It stands for a net where one is used: in examples/submission.py and predict_many.py.
    """

    def __init__(self, nets: Sequence[Any]) -> None:
        self.nets = list(nets)

    def predict(self, X) -> NDArray[np.float64]:
        """Return the mean of the nets' predictions, shape (faces, 30)."""
        predicted = (np.asarray(net.predict(X), np.float64) for net in self.nets)
        return functools.reduce(np.add, predicted) / len(self.nets)

    @property
    def layers_(self):
        """Of the first net: what the faces must look like."""
        return self.nets[0].layers_

    @property
    def train_history_(self):
        return self.nets[0].train_history_

    @property
    def train_split(self):
        return self.nets[0].train_split


def ensemble(net, X, y, options) -> int:
    """Train nets of different seeds on a cluster; their mean becomes ``options.out``.

    Parameters
    ----------
    net : NeuralNet
        Untrained; its copies get random_state options.seed, options.seed + 1, ...
    X, y : ndarray
        As for ``net.fit``.
    options : Namespace
        See `kfkd.cluster.options.ensemble_options`.

    Returns
    -------
    int
        The exit code, 0.

    Raises
    ------
    UserError
        See `kfkd.cluster.work.Cluster`; DataError if the folder belongs to a different ensemble.
    """
    net = clone(net)
    net.set_params(verbose=0, max_epochs=options.epochs or net.max_epochs)
    settings = {
        "net": options.net, "epochs": net.max_epochs, "seed": options.seed, "faces": source(),
        "rows": len(X),
    }  # fmt: skip
    folder = options.folder
    if options.fresh and folder.exists():
        _discard(folder)
    results = Results(folder / "nets.jsonl", settings)
    names = [str(i) for i in range(1, options.nets + 1)]
    for name in names:
        # Its files may have been removed by hand.
        if name in results and not (_path(folder, name).exists() and _seen(folder, name).exists()):
            del results[name]
    todo = [name for name in names if name not in results]
    _, faces, _, truth = net.train_split(X, y, net)
    if not len(faces):
        raise DataError("the net keeps no faces for validation, which the errors are of")
    progress = Progress(len(names), options.quiet)
    try:
        if todo:
            with Cluster(options.scheduler, options.workers, progress.note) as cluster:
                progress.say(cluster.described())
                if len(todo) < len(names):
                    progress.say(
                        f"{len(names) - len(todo)} of {len(names)} nets are in {folder} already "
                        "(--fresh starts over)"
                    )
                progress.say(COLUMNS)
                for name in names:
                    if name in results:
                        progress.row(_row(results[name]))
                cluster.share(X=X, y=y, tests={"valid": np.array(faces)})
                tasks = ((name, _task(net, folder, name, options)) for name in todo)
                for name, result in trained(cluster, tasks, progress):
                    _keep(results, folder, name, options.seed, result)
                    progress.row(_row(results[name]))
    except KeyboardInterrupt as error:
        error.kept = (  # type: ignore[attr-defined]
            f"{sum(n in results for n in names)} of {len(names)} nets are in {folder}; the same "
            "command goes on"
        )
        raise
    finally:
        progress.close()
    return _finish(results, names, folder, truth, options)


def _task(net, folder: Path, name: str, options) -> tuple:
    one = clone(net).set_params(random_state=_seed(options.seed, name))
    one.trained_on_ = source()
    return one, str(_path(folder, name).resolve()), options.checkpoint


def _seed(first: int, name: str) -> int:
    return (first + int(name) - 1) % 2**32


def _path(folder: Path, name: str) -> Path:
    return folder / f"net-{name}.pickle"


def _seen(folder: Path, name: str) -> Path:
    return folder / f"net-{name}.npy"


def _keep(results: Results, folder: Path, name: str, seed: int, result: dict[str, Any]) -> None:
    path = _path(folder, name)
    if result["pickle"] is not None:
        write(path, result["pickle"])
    if result["predicted"]:
        if not path.exists():
            raise DataError(
                f"{path} was written by worker {result['worker']}, and is not there: --folder "
                "must be on a drive that the workers share with this machine"
            )
        content = io.BytesIO()
        np.save(content, result["predicted"]["valid"])
        write(_seen(folder, name), content.getvalue())
    results.add(name, {"seed": _seed(seed, name)}, result)
    clear(path)


def _discard(folder: Path) -> None:
    for path in folder.glob("net-*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    (folder / "nets.jsonl").unlink(missing_ok=True)


def table(errors: list[tuple[str, float, float]]) -> list[str]:
    """Return the lines that say what each net added.

    Parameters
    ----------
    errors : list of (str, float, float)
        Of each net its seed, its RMSE and that of the mean with it, in pixels.
    """
    lines = ["", "nets   seed    RMSE    mean   added", "----  -----  ------  ------  ------"]
    before = None
    for count, (seed, own, mean) in enumerate(errors, 1):
        added = f"{mean - before:>+6.3f}" if before is not None else "     -"
        lines.append(f"{count:>4}  {seed:>5}  {own:>6.3f}  {mean:>6.3f}  {added}")
        before = mean
    return lines


def _finish(results: Results, names: list[str], folder: Path, truth, options) -> int:
    good = [name for name in names if np.isfinite(results[name]["loss"])]
    if not good:
        raise DataError(f"all {len(names)} nets have diverged: a learning rate too high?")
    total = np.zeros(truth.shape)
    errors = []
    for count, name in enumerate(good, 1):
        predicted = np.load(_seen(folder, name)).astype(np.float64)
        total += predicted
        errors.append(
            (str(results[name]["drawn"]["seed"]), _error(predicted, truth),
             _error(total / count, truth))
        )  # fmt: skip
    if not options.quiet:
        print("\n".join(table(errors)))
    write(options.out, pickle.dumps(Mean([load_net(_path(folder, name)) for name in good]), -1))
    alone = float(np.mean([own for _, own, _ in errors]))
    print(
        f"RMSE of the mean of {len(good)} nets: {errors[-1][2]:.4f} pixels "
        f"(one alone, on average: {alone:.4f})"
    )
    print(f"saved {options.out}; python examples/submission.py {options.out}")
    return 0


def _error(predicted, truth) -> float:
    return float(rmse(np.mean((predicted - truth) ** 2)))


def _row(row: dict[str, Any]) -> str:
    seed = row["drawn"]["seed"]
    pace = row["seconds"] / max(1, row["epochs"])
    if not np.isfinite(row["loss"]):
        return f"{row['name']:>4}  {seed:>5}  diverged"
    return (
        f"{row['name']:>4}  {seed:>5}  {rmse(row['loss']):>6.2f}  {rmse(row['best']):>5.2f}  "
        f"{row['epoch']:>8}  {pace:>7.2f}"
    )
