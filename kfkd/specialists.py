"""The specialists' training, which can be stopped and resumed like that of one net."""

from __future__ import annotations

import argparse
import copy
import json
import pickle
import shutil
from dataclasses import replace
from typing import Any

from kfkd.files import source
from kfkd.nets import load_nets
from kfkd.output import output_file
from theano_today.atomic import atomic_write
from theano_today.errors import DataError
from theano_today.training.session import Ending
from theano_today.training.table import write_line

_FILE = "specialists.json"


class Specialists:
    """The nets trained so far: those of a run that was stopped, if it had the same settings.

    They are pickled to ``options.out`` as each one ends. Beside it, in the folder of the
    checkpoints, a file says which they are, and each has a folder of checkpoints of its own.

    Parameters
    ----------
    options : Namespace
        See `kfkd.options.kfkd_options`.

    Raises
    ------
    DataError
        A stopped run had different settings.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._folder = options.plan.folder
        pretrain = options.pretrain and str(options.pretrain)
        self._settings = {
            "seed": options.seed, "epochs": options.epochs, "pretrain": pretrain,
            "patience": options.patience, "faces": source(),
        }  # fmt: skip
        self._nets: dict[tuple[str, ...], Any] = {}
        if self._folder is not None and options.plan.resume is False:
            (self._folder / _FILE).unlink(missing_ok=True)
        elif self._folder is not None:
            self._find()

    def __contains__(self, columns: tuple[str, ...]) -> bool:
        return columns in self._nets

    def options(self, columns: tuple[str, ...], epochs: int) -> argparse.Namespace:
        """Return the command line's options for one of the nets."""
        own = copy.copy(self._options)
        own.epochs = epochs
        settings = {**own.plan.settings, "pretrain": self._settings["pretrain"]}
        folder = self._folder and self._folder / columns[0]
        # "--resume" is about the run as a whole, of which this net may not have begun.
        insist = own.plan.resume if own.plan.resume is False or _begun(folder) else None
        own.plan = replace(own.plan, folder=folder, settings=settings, resume=insist)
        if self._folder is not None:
            self._folder.mkdir(exist_ok=True)
        # Each has a page and event files of its own.
        first = columns[0].rpartition("_")[0]
        own.out = own.out.with_name(f"{own.out.stem}-{first}.pickle")
        own.tensorboard = own.tensorboard and own.tensorboard / first
        return own

    def add(self, columns: tuple[str, ...], net, end: Ending) -> None:
        """Keep a net, and all before it, in the pickle; one that a signal has stopped is not."""
        if not end.signal:
            self._nets[columns] = net
        if self._nets:
            with output_file(self._options.out) as f:
                pickle.dump(self._nets, f, -1)
        if self._folder is not None and self._nets:
            content = {"settings": self._settings, "finished": list(self._nets)}
            with atomic_write(self._folder / _FILE) as f:
                f.write(json.dumps(content, indent=1).encode())
        end.conclude(self._options.out if self._nets else self._folder or self._options.out)

    def save(self) -> int:
        """All are trained, and in the pickle: remove the checkpoints, and print the RMSE."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        total = 0.0
        for columns, net in self._nets.items():
            best = min(float(row["valid_loss"]) for row in net.train_history_)
            total += best * len(columns)
        mean = total / sum(map(len, self._nets))
        write_line(f"RMSE of the {len(self._nets)} specialists: {mean**0.5 * 48:.4f} pixels")
        return 0

    def _find(self) -> None:
        path = self._folder / _FILE
        try:
            content = json.loads(path.read_text())
            settings = dict(content["settings"])
            wanted = [tuple(columns) for columns in content["finished"]]
        except FileNotFoundError:
            return
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise DataError(
                f"{path}: cannot be used ({error}); --fresh discards it and its checkpoints"
            ) from None
        differ = [n for n in self._settings if settings.get(n) != self._settings[n]]
        if differ and not self._options.plan.resume:
            name = differ[0]
            raise DataError(
                f"{path}: belongs to an unfinished run that differs in {name} "
                f"({settings.get(name)} there, {self._settings[name]} here); --fresh discards "
                "it, another --out leaves it alone, --resume continues it with your settings"
            )
        # If it has been moved away, they are trained anew.
        nets = load_nets(self._options.out) if self._options.out.exists() else {}
        self._nets = {columns: nets[columns] for columns in wanted if columns in nets}
        if self._nets and not self._options.quiet:
            names = ", ".join(columns[0] for columns in self._nets)
            write_line(f"trained already: {names} (--fresh starts over)")


def _begun(folder) -> bool:
    return folder is not None and folder.is_dir()
