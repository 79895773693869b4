"""Train net2, the tutorial's convolutional net, on 96x96 faces with 15 keypoints.

    python net2.py                       1000 epochs, net2.pickle, the RMSE
    python net2.py --epochs 10 --seed 1  a short run that anybody can repeat

The same command again resumes a run that was stopped, whatever stopped it.
The net and its arguments are Daniel Nouri's, word for word: edit them here as
you like. From Python, `from net2 import net2` gives the untrained net.
"""

import theano_today  # isort: skip  # noqa: F401  (first: it makes the packages of 2014 importable)

import sys

from lasagne import layers
from nolearn.lasagne import NeuralNet

from kfkd.options import net2_options
from kfkd.output import quiet, save
from kfkd.run import fit, run
from load import load2d

# fmt: off
net2 = NeuralNet(
    layers=[
        ('input', layers.InputLayer),
        ('conv1', layers.Conv2DLayer),
        ('pool1', layers.MaxPool2DLayer),
        ('conv2', layers.Conv2DLayer),
        ('pool2', layers.MaxPool2DLayer),
        ('conv3', layers.Conv2DLayer),
        ('pool3', layers.MaxPool2DLayer),
        ('hidden4', layers.DenseLayer),
        ('hidden5', layers.DenseLayer),
        ('output', layers.DenseLayer),
        ],
    input_shape=(None, 1, 96, 96),
    conv1_num_filters=32, conv1_filter_size=(3, 3), pool1_pool_size=(2, 2),
    conv2_num_filters=64, conv2_filter_size=(2, 2), pool2_pool_size=(2, 2),
    conv3_num_filters=128, conv3_filter_size=(2, 2), pool3_pool_size=(2, 2),
    hidden4_num_units=500, hidden5_num_units=500,
    output_num_units=30, output_nonlinearity=None,

    update_learning_rate=0.01,
    update_momentum=0.9,

    regression=True,
    max_epochs=1000,
    verbose=1,
    )
# fmt: on


def main():
    options = net2_options(net2, __doc__)
    with quiet(options.quiet):
        X, y = load2d()  # load 2-d data
        end = fit(net2, X, y, options)  # net2.fit(X, y), safe from kills and Ctrl-C
    return save(net2, end, options)  # pickle.dump(net2, ...), and the RMSE


if __name__ == "__main__":
    sys.exit(run(main))
