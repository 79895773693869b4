"""Train nets of different seeds on many machines at once, and average them.

    python examples/ensemble.py                       # ten of net2
    python examples/ensemble.py --net small --nets 5 --epochs 30
    python examples/ensemble.py --scheduler tcp://host:8786    # docs/scale.md
    python examples/submission.py ensemble.pickle

Prints the RMSE of each net, of their mean, and what each one added. The nets
and their checkpoints are in ensemble/, a folder that all workers must share:
the same command again goes on where it was stopped, and more --nets trains
only the new ones. Needs requirements-examples.txt.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import theano_today  # noqa: F401, I001  (first: it makes the packages of 2014 importable)

from kfkd.cluster.options import ensemble_options
from kfkd.output import quiet
from kfkd.run import run
from load import load2d
from search import NETS


def main():
    options = ensemble_options(__doc__, NETS)
    from kfkd.cluster.ensembles import ensemble  # Dask is imported by it

    with quiet(True):  # without the counts that load prints
        X, y = load2d()
    return ensemble(NETS[options.net], X, y, options)


if __name__ == "__main__":
    sys.exit(run(main))
