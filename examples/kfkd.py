"""The tutorial's nets, net1 to net8 and the specialists, each by a command.

    python examples/kfkd.py net1                # 400 epochs, net1.pickle, the RMSE
    python examples/kfkd.py net4 --epochs 1000  # the first 1000 of net4's 3000 epochs
    python examples/kfkd.py specialists --pretrain net7.pickle
    python examples/kfkd.py ladder              # all that were trained, beside the tutorial's

The same command again resumes a run that was stopped, as for net2.py. Learning rate and
momentum follow the tutorial's course however many epochs are asked for. The nets and their
arguments are Daniel Nouri's.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import theano_today  # noqa: F401, I001  (first: it makes the packages of 2014 importable)

import numpy as np
import theano
from lasagne import layers
from lasagne.updates import nesterov_momentum
from nolearn.lasagne import NeuralNet
from sklearn.base import clone

from kfkd import ladder
from kfkd.flipping import FlipBatchIterator
from kfkd.nets import load_net
from kfkd.options import kfkd_options
from kfkd.output import quiet, save
from kfkd.run import fit, run
from kfkd.specialists import Specialists
from load import load, load2d
from net2 import net2
from theano_today.training.handlers.schedules import AdjustVariable
from theano_today.training.handlers.stopping import EarlyStopping


def float32(k):
    return np.asarray(k, dtype="float32")


# fmt: off
net1 = NeuralNet(
    layers=[  # three layers: one hidden layer
        ('input', layers.InputLayer),
        ('hidden', layers.DenseLayer),
        ('output', layers.DenseLayer),
        ],
    # layer parameters:
    input_shape=(None, 9216),  # 96x96 input pixels per batch
    hidden_num_units=100,  # number of units in hidden layer
    output_nonlinearity=None,  # output layer uses identity function
    output_num_units=30,  # 30 target values

    # optimization method:
    update=nesterov_momentum,
    update_learning_rate=0.01,
    update_momentum=0.9,

    regression=True,  # flag to indicate we're dealing with regression problem
    max_epochs=400,
    verbose=1,
    )

convolutions = dict(  # the layers of net2 to net5
    layers=net2.layers,
    input_shape=(None, 1, 96, 96),
    conv1_num_filters=32, conv1_filter_size=(3, 3), pool1_pool_size=(2, 2),
    conv2_num_filters=64, conv2_filter_size=(2, 2), pool2_pool_size=(2, 2),
    conv3_num_filters=128, conv3_filter_size=(2, 2), pool3_pool_size=(2, 2),
    hidden4_num_units=500, hidden5_num_units=500,
    output_num_units=30, output_nonlinearity=None,
    )

dropout = dict(  # the layers of net6 to net8 and of the specialists
    layers=[
        ('input', layers.InputLayer),
        ('conv1', layers.Conv2DLayer),
        ('pool1', layers.MaxPool2DLayer),
        ('dropout1', layers.DropoutLayer),
        ('conv2', layers.Conv2DLayer),
        ('pool2', layers.MaxPool2DLayer),
        ('dropout2', layers.DropoutLayer),
        ('conv3', layers.Conv2DLayer),
        ('pool3', layers.MaxPool2DLayer),
        ('dropout3', layers.DropoutLayer),
        ('hidden4', layers.DenseLayer),
        ('dropout4', layers.DropoutLayer),
        ('hidden5', layers.DenseLayer),
        ('output', layers.DenseLayer),
        ],
    input_shape=(None, 1, 96, 96),
    conv1_num_filters=32, conv1_filter_size=(3, 3), pool1_pool_size=(2, 2),
    dropout1_p=0.1,
    conv2_num_filters=64, conv2_filter_size=(2, 2), pool2_pool_size=(2, 2),
    dropout2_p=0.2,
    conv3_num_filters=128, conv3_filter_size=(2, 2), pool3_pool_size=(2, 2),
    dropout3_p=0.3,
    dropout4_p=0.5,
    output_num_units=30, output_nonlinearity=None,
    )

net3 = NeuralNet(  # net2, with flipped images
    **convolutions,

    update_learning_rate=0.01,
    update_momentum=0.9,

    regression=True,
    batch_iterator_train=FlipBatchIterator(batch_size=128),
    max_epochs=3000,
    verbose=1,
    )

net4 = NeuralNet(  # net2, with a learning rate and a momentum that change
    **convolutions,

    update_learning_rate=theano.shared(float32(0.03)),
    update_momentum=theano.shared(float32(0.9)),

    regression=True,
    on_epoch_finished=[
        AdjustVariable('update_learning_rate', start=0.03, stop=0.0001),
        AdjustVariable('update_momentum', start=0.9, stop=0.999),
        ],
    max_epochs=3000,
    verbose=1,
    )

net5 = NeuralNet(  # both
    **convolutions,

    update_learning_rate=theano.shared(float32(0.03)),
    update_momentum=theano.shared(float32(0.9)),

    regression=True,
    batch_iterator_train=FlipBatchIterator(batch_size=128),
    on_epoch_finished=[
        AdjustVariable('update_learning_rate', start=0.03, stop=0.0001),
        AdjustVariable('update_momentum', start=0.9, stop=0.999),
        ],
    max_epochs=3000,
    verbose=1,
    )

net6 = NeuralNet(  # net5, with dropout
    **dropout,
    hidden4_num_units=500, hidden5_num_units=500,

    update_learning_rate=theano.shared(float32(0.03)),
    update_momentum=theano.shared(float32(0.9)),

    regression=True,
    batch_iterator_train=FlipBatchIterator(batch_size=128),
    on_epoch_finished=[
        AdjustVariable('update_learning_rate', start=0.03, stop=0.0001),
        AdjustVariable('update_momentum', start=0.9, stop=0.999),
        ],
    max_epochs=3000,
    verbose=1,
    )

net7 = NeuralNet(  # net6, with twice the units
    **dropout,
    hidden4_num_units=1000, hidden5_num_units=1000,

    update_learning_rate=theano.shared(float32(0.03)),
    update_momentum=theano.shared(float32(0.9)),

    regression=True,
    batch_iterator_train=FlipBatchIterator(batch_size=128),
    on_epoch_finished=[
        AdjustVariable('update_learning_rate', start=0.03, stop=0.0001),
        AdjustVariable('update_momentum', start=0.9, stop=0.999),
        ],
    max_epochs=3000,
    verbose=1,
    )

net8 = clone(net7)  # for longer
net8.max_epochs = 10000

net = NeuralNet(  # what the specialists are copies of: net8, stopped early
    **dropout,
    hidden4_num_units=1000, hidden5_num_units=1000,

    update_learning_rate=theano.shared(float32(0.03)),
    update_momentum=theano.shared(float32(0.9)),

    regression=True,
    batch_iterator_train=FlipBatchIterator(batch_size=128),
    on_epoch_finished=[
        AdjustVariable('update_learning_rate', start=0.03, stop=0.0001),
        AdjustVariable('update_momentum', start=0.9, stop=0.999),
        EarlyStopping(patience=200),
        ],
    max_epochs=10000,
    verbose=1,
    )

SPECIALIST_SETTINGS = [
    dict(
        columns=(
            'left_eye_center_x', 'left_eye_center_y',
            'right_eye_center_x', 'right_eye_center_y',
            ),
        flip_indices=((0, 2), (1, 3)),
        ),

    dict(
        columns=(
            'nose_tip_x', 'nose_tip_y',
            ),
        flip_indices=(),
        ),

    dict(
        columns=(
            'mouth_left_corner_x', 'mouth_left_corner_y',
            'mouth_right_corner_x', 'mouth_right_corner_y',
            'mouth_center_top_lip_x', 'mouth_center_top_lip_y',
            ),
        flip_indices=((0, 2), (1, 3)),
        ),

    dict(
        columns=(
            'mouth_center_bottom_lip_x',
            'mouth_center_bottom_lip_y',
            ),
        flip_indices=(),
        ),

    dict(
        columns=(
            'left_eye_inner_corner_x', 'left_eye_inner_corner_y',
            'right_eye_inner_corner_x', 'right_eye_inner_corner_y',
            'left_eye_outer_corner_x', 'left_eye_outer_corner_y',
            'right_eye_outer_corner_x', 'right_eye_outer_corner_y',
            ),
        flip_indices=((0, 2), (1, 3), (4, 6), (5, 7)),
        ),

    dict(
        columns=(
            'left_eyebrow_inner_end_x', 'left_eyebrow_inner_end_y',
            'right_eyebrow_inner_end_x', 'right_eyebrow_inner_end_y',
            'left_eyebrow_outer_end_x', 'left_eyebrow_outer_end_y',
            'right_eyebrow_outer_end_x', 'right_eyebrow_outer_end_y',
            ),
        flip_indices=((0, 2), (1, 3), (4, 6), (5, 7)),
        ),
    ]
# fmt: on

NETS = {
    "net1": net1, "net2": net2, "net3": net3, "net4": net4,
    "net5": net5, "net6": net6, "net7": net7, "net8": net8,
}  # fmt: skip


def fit_net(options):
    net = NETS[options.what]
    with quiet(options.quiet):
        X, y = load() if net is net1 else load2d()
        ladder.shorten(net, options.epochs)
        end = fit(net, X, y, options)
    return save(net, end, options)


def fit_specialists(options):
    # To begin with the weights of a net that knows all keypoints takes fewer epochs.
    net_pretrain = load_net(options.pretrain) if options.pretrain else None
    specialists = Specialists(options)  # those that an earlier run has finished

    with quiet(options.quiet):
        for setting in SPECIALIST_SETTINGS:
            cols = setting["columns"]
            if cols in specialists:
                continue
            X, y = load2d(cols=cols)

            model = clone(net)
            model.output_num_units = y.shape[1]
            model.batch_iterator_train.flip_indices = setting["flip_indices"]
            model.max_epochs = int((4e6 if net_pretrain else 1e7) / y.shape[0])
            ladder.shorten(model, options.epochs)
            if net_pretrain is not None:
                np.random.seed(options.seed)  # of the output layer, which is another
                model.load_params_from(net_pretrain)

            print(f"Training model for columns {cols} for {model.max_epochs} epochs")
            end = fit(model, X, y, specialists.options(cols, model.max_epochs))
            specialists.add(cols, model, end)
            if end.signal:
                return end.code
    return specialists.save()


def main():
    options = kfkd_options(__doc__, NETS)
    if options.what == "ladder":
        return ladder.show()
    if options.what == "specialists":
        return fit_specialists(options)
    return fit_net(options)


if __name__ == "__main__":
    sys.exit(run(main))
