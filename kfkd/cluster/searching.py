"""A random search over a net's arguments: rows as they come, each kept as soon as it is there."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sklearn.base import clone
from sklearn.model_selection import ParameterSampler

from kfkd.cluster.options import Search
from kfkd.cluster.progress import Progress
from kfkd.cluster.results import Results, plain, write
from kfkd.cluster.training import clear, train
from kfkd.cluster.work import Cluster
from kfkd.files import source
from kfkd.ladder import rmse
from theano_today.errors import DataError, DivergedError
from theano_today.training.checkpoints.fingerprint import describe

HEADER = " net  learning rate  momentum  filters  units    RMSE   best  at epoch  s/epoch"


def arguments(net, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a drawn point means as arguments of a net.

    Parameters
    ----------
    net : NeuralNet
        With layers named conv1, conv2, ... and hidden*, as the tutorial's.
    drawn : mapping
        "learning_rate", "momentum"; "filters" of conv1, of which each convolution has twice as
        many as the one before; "units" of all hidden layers. Other names are arguments themselves.
    """
    meant: dict[str, Any] = {}
    for name, value in drawn.items():
        value = plain(value)
        if name in ("learning_rate", "momentum"):
            meant[f"update_{name}"] = value
        elif name == "filters":
            names = sorted(n for n in vars(net) if n.endswith("_num_filters"))
            meant.update({n: value * 2**i for i, n in enumerate(names)})
        elif name == "units":
            hidden = [n for n in vars(net) if n.startswith("hidden") and n.endswith("_num_units")]
            meant.update(dict.fromkeys(hidden, value))
        else:
            meant[name] = value
    return meant


def points(space: Mapping[str, Any], count: int, seed: int) -> list[dict[str, Any]]:
    """Draw `count` points; a longer list of the same seed begins with the shorter one.

    Scikit-learn's sampler draws from distributions one after the other, as it is to be here; from
    lists alone it would draw without replacement, and otherwise.
    """
    assert any(hasattr(values, "rvs") for values in space.values())
    return list(ParameterSampler(space, count, random_state=seed))


def search(net, space: Mapping[str, Any], X, y, options: Search) -> int:
    """Train as many nets as asked for on a cluster; the best becomes ``options.out``.

    Parameters
    ----------
    net : NeuralNet
        Untrained; copies of it get the drawn arguments.
    space : mapping
        What is drawn: see `arguments`, and scikit-learn's ParameterSampler.
    X, y : ndarray
        As for ``net.fit``. The faces that the net keeps for validation say which is the best.
    options : Search
        See `kfkd.cluster.options.search_options`.

    Returns
    -------
    int
        The exit code, 0.

    Raises
    ------
    DataError
        The results so far belong to a different search.
    UserError
        See `kfkd.cluster.work.Cluster`.
    """
    net = clone(net)
    net.set_params(verbose=0, max_epochs=options.epochs, random_state=options.seed)
    settings = {
        "net": options.net, "epochs": options.epochs, "seed": options.seed, "faces": source(),
        "space": describe({n: _described(values) for n, values in space.items()}),
        "rows": len(X),
    }  # fmt: skip
    results = Results(options.results, settings, options.fresh)
    folder = options.results.with_suffix(".nets")
    drawn = {str(i): p for i, p in enumerate(points(space, options.nets, options.seed), 1)}
    todo = {name: point for name, point in drawn.items() if name not in results}
    progress = Progress(len(drawn), options.quiet)
    try:
        if todo:
            with Cluster(options.scheduler, options.workers, progress.note) as cluster:
                progress.say(cluster.described())
                if results:
                    progress.say(
                        f"{len(results)} of {len(drawn)} nets are in {options.results} already "
                        "(--fresh starts over)"
                    )
                progress.say(HEADER)
                for name in drawn:
                    if name in results:
                        progress.row(_row(results[name]))
                cluster.share(X=X, y=y)
                tasks = ((name, _task(net, p, folder, name, options)) for name, p in todo.items())
                for name, result in trained(cluster, tasks, progress):
                    _keep(results, folder, name, drawn[name], result)
                    progress.row(_row(results[name]))
        return _best(results, drawn, folder, options, progress)
    except KeyboardInterrupt as error:
        error.kept = (  # type: ignore[attr-defined]
            f"{len(results)} of {len(drawn)} nets are in {options.results}; "
            "the same command goes on"
        )
        raise
    finally:
        progress.close()


def trained(cluster, tasks, progress: Progress) -> Iterator[tuple[str, dict[str, Any]]]:
    """Results of `train` as they come; what a training had to say is printed."""
    for name, result in cluster.results(train, tasks):
        for line in result["lines"]:
            progress.note(f"net {name}: {line}")
        yield name, result


def _task(net, point, folder: Path, name: str, options: Search) -> tuple:
    one = clone(net).set_params(**arguments(net, point))
    one.trained_on_ = source()
    return one, str((folder / f"net-{name}.pickle").resolve()), options.checkpoint


def _keep(results: Results, folder: Path, name: str, point, result: dict[str, Any]) -> None:
    """Keep a result, and its net if it is the best one so far."""
    path = folder / f"net-{name}.pickle"
    if result["pickle"] is not None:
        write(path, result["pickle"])
    before = results.best()
    results.add(name, point, result)
    clear(path)
    for other in {before, name} - {None, results.best()}:
        (folder / f"net-{other}.pickle").unlink(missing_ok=True)


def _best(results: Results, drawn, folder: Path, options: Search, progress: Progress) -> int:
    best = results.best()
    if best is None:
        raise DivergedError(
            f"all {len(results)} nets have diverged: a learning rate too high, or faces not scaled"
        )
    path = folder / f"net-{best}.pickle"
    if path.exists():
        write(options.out, path.read_bytes())
        shutil.rmtree(folder, ignore_errors=True)
    elif not options.out.exists():
        raise DataError(
            f"the best net, {path}, is not there: the workers need a drive shared with this "
            "machine, or somebody has removed it; --fresh starts over"
        )
    row = results[best]
    drawn_names = ("learning_rate", "momentum", "filters", "units")
    found = ", ".join(f"{k.replace('_', ' ')} {_number(row['drawn'][k])}" for k in drawn_names)
    progress.close()
    print(f"the best of {len(drawn)}: net {best}, RMSE {rmse(row['loss']):.4f} pixels")
    print(found)
    print(f"saved {options.out}")
    return 0


def _row(row: Mapping[str, Any]) -> str:
    drawn = row["drawn"]
    if math.isfinite(row["loss"]):
        errors = f"{rmse(row['loss']):>6.2f}  {rmse(row['best']):>5.2f}  {row['epoch']:>8}"
    else:
        errors = "   diverged            "
    pace = row["seconds"] / max(1, row["epochs"])
    return (
        f"{row['name']:>4}  {drawn['learning_rate']:>13.5f}  {drawn['momentum']:>8.4f}  "
        f"{drawn['filters']:>7}  {drawn['units']:>5}  {errors}  {pace:>7.2f}"
    )


def _number(value) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _described(values) -> Any:
    if hasattr(values, "rvs"):
        return [values.dist.name, list(values.args), dict(values.kwds)]
    return list(values)
