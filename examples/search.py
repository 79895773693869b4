"""Search learning rates, momenta, filters and units on many machines at once.

    python examples/search.py                         # 20 of net2, on all cores
    python examples/search.py --net small --nets 50 --epochs 30
    python examples/search.py --scheduler tcp://host:8786   # docs/scale.md

Each net is printed as it ends, and kept in search.jsonl: the same command again
goes on where it was stopped, in the middle of nets too. The best becomes
net2.pickle. The same seed finds the same nets on any number of workers.
Needs requirements-examples.txt.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import theano_today  # noqa: F401, I001  (first: it makes the packages of 2014 importable)

from lasagne import layers
from lasagne.updates import nesterov_momentum
from nolearn.lasagne import NeuralNet
from scipy.stats import loguniform, uniform

from kfkd.cluster.options import search_options
from kfkd.output import quiet
from kfkd.run import run
from load import load2d
from net2 import net2

# fmt: off
small = NeuralNet(  # two of net2's three stages, and narrow
    layers=[
        ('input', layers.InputLayer),
        ('conv1', layers.Conv2DLayer),
        ('pool1', layers.MaxPool2DLayer),
        ('conv2', layers.Conv2DLayer),
        ('pool2', layers.MaxPool2DLayer),
        ('hidden3', layers.DenseLayer),
        ('output', layers.DenseLayer),
        ],
    input_shape=(None, 1, 96, 96),
    conv1_num_filters=8, conv1_filter_size=(3, 3), pool1_pool_size=(2, 2),
    conv2_num_filters=16, conv2_filter_size=(2, 2), pool2_pool_size=(2, 2),
    hidden3_num_units=100,
    output_num_units=30, output_nonlinearity=None,

    update=nesterov_momentum,
    update_learning_rate=0.01,
    update_momentum=0.9,

    regression=True,
    max_epochs=100,
    verbose=1,
    )
# fmt: on

NETS = {"net2": net2, "small": small}

# What is drawn for each net; filters are those of conv1, doubled by each convolution after it.
SPACES = {
    "net2": dict(
        learning_rate=loguniform(0.003, 0.1),
        momentum=uniform(0.8, 0.19),
        filters=[16, 32, 48],
        units=[250, 500, 1000],
    ),
    "small": dict(
        learning_rate=loguniform(0.003, 0.1),
        momentum=uniform(0.8, 0.19),
        filters=[4, 8, 16],
        units=[50, 100, 200],
    ),
}


def main():
    options = search_options(__doc__, NETS)
    from kfkd.cluster.searching import search  # Dask is imported by it

    with quiet(True):  # without the counts that load prints
        X, y = load2d()
    return search(NETS[options.net], SPACES[options.net], X, y, options)


if __name__ == "__main__":
    sys.exit(run(main))
