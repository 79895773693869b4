"""net2.py's own net; THEANO_FLAGS' engine decides what it runs on.

python benchmarks/contestants/theano_.py FOLDER     (epoch.py starts it)
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.contestants.training import Training
from benchmarks.turns import serve
from net2 import net2


class Theano(Training):
    """A whole epoch is nolearn's own, and so is its time: the table's column Dur."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        net2.initialize()
        for param, value in zip(net2.get_all_params(), self.initial, strict=True):
            param.set_value(value)
        self.train_losses: list[float] = []
        self.valid_losses: list[float] = []
        self._train, self._validate = net2.train_iter_, net2.eval_iter_
        net2.train_iter_ = self._remember(self._train, self.train_losses)
        net2.eval_iter_ = self._remember(self._validate, self.valid_losses)

    @staticmethod
    def _remember(function, losses):
        def call(X, y):
            outputs = function(X, y)
            losses.append(float(outputs[0]))
            return outputs

        return call

    def train(self, X, y) -> float:
        return float(self._train(X, y)[0])

    def validate(self, X, y) -> float:
        return float(self._validate(X, y)[0])

    def epoch(self, faces: str = "X", part: bool = False) -> dict:
        if part:
            return super().epoch(faces, part)
        self.train_losses.clear()
        self.valid_losses.clear()
        net2.train_loop(*self.sets[faces], epochs=1)
        seconds = net2.train_history_[-1]["dur"]
        return {"seconds": seconds, "train": self.train_losses, "valid": self.valid_losses}


if __name__ == "__main__":
    serve(Theano(sys.argv[1]).epoch)
