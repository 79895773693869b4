"""The nets of nets.py in Lasagne; THEANO_FLAGS' engine decides what they run on.

python benchmarks/contestants/nets_lasagne.py NET [FACES]     (nets.py starts it)

Batch normalisation and transposed convolutions are written as Lasagne's master writes them, after
0.1 was released.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from math import prod
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

import theano_today  # isort: skip  # noqa: F401 - first, as everywhere

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne import init, layers, nonlinearities, updates
from lasagne.layers import (
    Conv2DLayer,
    DenseLayer,
    DropoutLayer,
    ElemwiseSumLayer,
    GlobalPoolLayer,
    GRULayer,
    InputLayer,
    LSTMLayer,
    MaxPool2DLayer,
    NonlinearityLayer,
    Pool2DLayer,
    ReshapeLayer,
)
from theano.tensor.nnet import abstract_conv

from benchmarks.contestants.nets_data import BATCHES, INCEPTIONS, FacesByBatches, Function, Steps
from benchmarks.turns import serve

rectify, softmax = nonlinearities.rectify, nonlinearities.softmax


# ---- layers of Lasagne's master ------------------------------------------------------------


class BatchNorm(layers.Layer):
    """Normalises each channel, by the batch's mean and deviation; with running averages."""

    def __init__(self, incoming, epsilon=1e-4, alpha=0.1, **kwargs):
        super().__init__(incoming, **kwargs)
        self.axes = tuple(axis for axis in range(len(self.input_shape)) if axis != 1)
        self.epsilon, self.alpha = epsilon, alpha
        shape = (self.input_shape[1],)
        self.beta = self.add_param(init.Constant(0), shape, "beta", regularizable=False)
        self.gamma = self.add_param(init.Constant(1), shape, "gamma")
        self.mean = self.add_param(init.Constant(0), shape, "mean", trainable=False)
        self.inv_std = self.add_param(init.Constant(1), shape, "inv_std", trainable=False)

    def get_output_for(self, input, deterministic=False, **kwargs):
        mean = input.mean(self.axes)
        inv_std = T.inv(T.sqrt(input.var(self.axes) + self.epsilon))
        if deterministic:
            mean, inv_std = self.mean, self.inv_std
        else:
            for batch, running in ((mean, self.mean), (inv_std, self.inv_std)):
                clone = theano.clone(running, share_inputs=False)
                clone.default_update = (1 - self.alpha) * clone + self.alpha * batch
                if batch is mean:
                    mean = mean + 0 * clone
                else:
                    inv_std = inv_std + 0 * clone
        order = ["x", 0, *["x"] * (input.ndim - 2)]
        mean, inv_std, beta, gamma = (
            v.dimshuffle(order) for v in (mean, inv_std, self.beta, self.gamma)
        )
        return (input - mean) * (gamma * inv_std) + beta


def batch_norm(layer, **kwargs):
    """As Lasagne's master: in front of the layer's nonlinearity, in the place of its bias."""
    nonlinearity = layer.nonlinearity
    layer.nonlinearity = nonlinearities.identity
    del layer.params[layer.b]
    layer.b = None
    return NonlinearityLayer(BatchNorm(layer, **kwargs), nonlinearity)


class TransposedConv2D(layers.Layer):
    """The gradient of a convolution of stride 2 by its input, as a layer."""

    def __init__(self, incoming, num_filters, filter_size, crop, nonlinearity=rectify):
        super().__init__(incoming)
        self.num_filters, self.filter_size, self.crop = num_filters, filter_size, crop
        self.nonlinearity = nonlinearity
        shape = (self.input_shape[1], num_filters, filter_size, filter_size)
        self.W = self.add_param(init.Normal(0.02), shape, "W")
        self.b = self.add_param(init.Constant(0), (num_filters,), "b", regularizable=False)

    def get_output_shape_for(self, shape):
        sizes = (2 * (n - 1) + self.filter_size - 2 * self.crop for n in shape[2:])
        return shape[0], self.num_filters, *sizes

    def get_output_for(self, input, **kwargs):
        shape = self.get_output_shape_for(self.input_shape)
        op = abstract_conv.AbstractConv2d_gradInputs(
            (None, *shape[1:]), self.W.get_value(borrow=True).shape,
            (self.crop, self.crop), (2, 2), filter_flip=False,
        )  # fmt: skip
        z = op(self.W, input, T.as_tensor(shape[2:]))
        if self.b is not None:
            z = z + self.b.dimshuffle("x", 0, "x", "x")
        return self.nonlinearity(z)


class EveryOther(layers.Layer):
    """Every other row and column."""

    def get_output_shape_for(self, shape):
        return (*shape[:2], shape[2] // 2, shape[3] // 2)

    def get_output_for(self, input, **kwargs):
        return input[:, :, ::2, ::2]


# ---- the nets ------------------------------------------------------------------------------


def mnist_cnn(last):
    for _ in range(2):
        last = MaxPool2DLayer(Conv2DLayer(last, 32, (5, 5), nonlinearity=rectify), (2, 2))
    last = DenseLayer(DropoutLayer(last), 256, nonlinearity=rectify)
    return DenseLayer(DropoutLayer(last), 10, nonlinearity=softmax)


def mlp(last):
    last = DropoutLayer(last, 0.2)
    for _ in range(2):
        last = DropoutLayer(DenseLayer(last, 800, nonlinearity=rectify), 0.5)
    return DenseLayer(last, 10, nonlinearity=softmax)


def vgg(last):
    for filters in (32, 64, 128):
        for _ in range(2):
            last = Conv2DLayer(last, filters, (3, 3), pad=1, nonlinearity=rectify)
        last = MaxPool2DLayer(last, (2, 2))
    return DenseLayer(DenseLayer(last, 256, nonlinearity=rectify), 10, nonlinearity=softmax)


def lstm(last):
    return DenseLayer(layers.SliceLayer(LSTMLayer(last, 64), -1, 1), 1, nonlinearity=None)


def net1(last):
    return DenseLayer(DenseLayer(last, 100), 30, nonlinearity=None)


def alexnet(last):
    normalized = partial(layers.LocalResponseNormalization2DLayer, alpha=1e-4 / 5, k=1)
    pooled = partial(MaxPool2DLayer, pool_size=(3, 3), stride=(2, 2))
    last = pooled(normalized(Conv2DLayer(last, 48, (11, 11), stride=(4, 4))))
    last = pooled(normalized(Conv2DLayer(last, 128, (5, 5), pad=2)))
    for filters in (192, 192, 128):
        last = Conv2DLayer(last, filters, (3, 3), pad=1)
    last = pooled(last)
    for _ in range(2):
        last = DropoutLayer(DenseLayer(last, 1024))
    return DenseLayer(last, 1000, nonlinearity=softmax)


def googlenet(last):
    normalized = partial(layers.LocalResponseNormalization2DLayer, alpha=2e-5, k=1)
    pooled = partial(Pool2DLayer, pool_size=(3, 3), stride=(2, 2), ignore_border=False)

    def conv(last, filters, size, **more):
        return Conv2DLayer(last, filters, (size, size), pad=size // 2, **more)

    last = normalized(pooled(conv(last, 64, 7, stride=(2, 2))))
    last = pooled(normalized(conv(conv(last, 64, 1), 192, 3)))
    for filters in INCEPTIONS:
        if filters is None:
            last = pooled(last)
            continue
        alone, before_3, threes, before_5, fives, behind_pool = filters
        around = MaxPool2DLayer(last, pool_size=(3, 3), stride=(1, 1), pad=(1, 1))
        last = layers.ConcatLayer(
            [
                conv(last, alone, 1),
                conv(conv(last, before_3, 1), threes, 3),
                conv(conv(last, before_5, 1), fives, 5),
                conv(around, behind_pool, 1),
            ]
        )
    return DenseLayer(DropoutLayer(GlobalPoolLayer(last), 0.4), 1000, nonlinearity=softmax)


def nin(last):
    def block(last, filters, size):
        last = Conv2DLayer(last, filters[0], (size, size), pad=size // 2)
        for f in filters[1:]:
            last = Conv2DLayer(last, f, (1, 1))
        return last

    pooled = partial(Pool2DLayer, pool_size=(3, 3), stride=(2, 2), ignore_border=False)
    last = DropoutLayer(pooled(block(last, (192, 160, 96), 5)))
    last = DropoutLayer(pooled(block(last, (192, 192, 192), 5), mode="average_exc_pad"))
    last = GlobalPoolLayer(block(last, (192, 192, 10), 3))
    return NonlinearityLayer(last, softmax)


def resnet20(last):
    def conv(last, filters, stride=1, nonlinearity=rectify):
        return batch_norm(
            Conv2DLayer(
                last, filters, (3, 3), (stride, stride), pad=1, nonlinearity=nonlinearity,
                W=init.HeNormal("relu"),
            )
        )  # fmt: skip

    last = conv(last, 16)
    for filters in (16, 32, 64):
        for block in range(3):
            stride = 2 if filters > 16 and block == 0 else 1
            stacked = conv(conv(last, filters, stride), filters, nonlinearity=None)
            if stride == 2:  # option A of the paper: every other pixel, and channels of zeros
                last = layers.PadLayer(EveryOther(last), [filters // 4, 0, 0], batch_ndim=1)
            last = NonlinearityLayer(ElemwiseSumLayer([stacked, last]), rectify)
    return DenseLayer(GlobalPoolLayer(last), 10, nonlinearity=softmax)


def gru(last):
    last = GRULayer(GRULayer(last, 128, grad_clipping=100), 128, grad_clipping=100)
    return DenseLayer(layers.SliceLayer(last, -1, 1), 60, nonlinearity=softmax)


def autoencoder(last):
    for units in (256, 64, 256, 784):
        last = DenseLayer(last, units, nonlinearity=nonlinearities.sigmoid)
    return last


NETS: dict[str, Callable] = {
    f.__name__: f
    for f in (mnist_cnn, mlp, vgg, lstm, net1, alexnet, googlenet, nin, resnet20, gru, autoencoder)
}
NESTEROV = partial(updates.nesterov_momentum, learning_rate=0.01, momentum=0.9)
RULES: dict[str, Callable] = {
    "lstm": updates.adam,
    "gru": partial(updates.adagrad, learning_rate=0.01),
    "autoencoder": partial(updates.rmsprop, learning_rate=1e-3),
}


def learner(name: str, size: int | None = None) -> Steps:
    """Return a net with its compiled training step and a batch.

    Parameters
    ----------
    name : str
        Of `NETS`, or "dcgan".
    size : int, optional
        Examples in the batch.
    """
    if name == "dcgan":
        return dcgan(size)
    batch = BATCHES[name]
    X, y = batch.draw(size)
    x = T.TensorType("float32", (False,) * X.ndim)("x")
    t = T.TensorType(str(y.dtype), (False,) * y.ndim)("t")
    last = NETS[name](InputLayer((None, *batch.x), x))
    output = layers.get_output(last)
    if batch.classes:
        loss = lasagne.objectives.categorical_crossentropy(output, t).mean()
    elif batch.targets:
        loss = lasagne.objectives.squared_error(output, t).mean()
    else:
        loss = lasagne.objectives.binary_crossentropy(output, t).mean()
    params = layers.get_all_params(last, trainable=True)
    train = theano.function([x, t], loss, updates=RULES.get(name, NESTEROV)(loss, params))
    return Trained(train, X, y, layers.get_all_params(last), multiplications(last) * len(X))


class Trained(Function):
    """Steps of a net whose parameters can be looked at."""

    def __init__(self, function, x, y, params, count):
        super().__init__(function, x, y, count)
        self.params = params


def multiplications(last, of_inputs: bool = False) -> float:
    """Return how many an example's training step has: products and direct convolutions.

    Forward, and for the gradients of weights and of inputs, the latter of the first layers only
    where `of_inputs`.
    """
    total = 0
    for layer in layers.get_all_layers(last):
        times = 3 if of_inputs or reaches_parameters(layer) else 2
        if isinstance(layer, (Conv2DLayer, TransposedConv2D)):
            planes = layer.input_shape if isinstance(layer, TransposedConv2D) else None
            pixels = prod((planes or layer.output_shape)[2:])
            total += times * pixels * layer.W.get_value(borrow=True).size
        elif isinstance(layer, DenseLayer):
            total += times * layer.W.get_value(borrow=True).size
        elif isinstance(layer, (LSTMLayer, GRULayer)):
            _, steps, features = layer.input_shapes[0]
            weights = [p for p in layer.get_params(trainable=True) if p.ndim == 2]
            for p in weights:  # the states' weights have gradients of their inputs in any case
                rows, _ = p.get_value(borrow=True).shape
                into = times if rows == features else 3
                total += steps * into * p.get_value(borrow=True).size
    return float(total)


def reaches_parameters(layer) -> bool:
    """Say whether a layer before this one has parameters, so that its input needs a gradient."""
    before = layers.get_all_layers(layer)[:-1]
    return any(other.get_params(trainable=True) for other in before)


def dcgan(size: int | None = None) -> Steps:
    """The generator and the discriminator of Radford et al. 2015, for images of 32x32."""
    X, _ = BATCHES["dcgan"].draw(size)
    lasagne_rng = lasagne.random.get_rng()
    streams = theano.sandbox.rng_mrg.MRG_RandomStreams(lasagne_rng.randint(1, 2147462579))
    x = T.tensor4("x")
    z = streams.uniform((x.shape[0], 100), low=-1, high=1, dtype="float32")
    leaky = nonlinearities.LeakyRectify(0.2)

    last = InputLayer((None, 100), z)
    last = DenseLayer(last, 4 * 4 * 256, W=init.Normal(0.02), nonlinearity=None)
    last = NonlinearityLayer(BatchNorm(ReshapeLayer(last, ([0], 256, 4, 4))), rectify)
    for filters in (128, 64):
        last = batch_norm(TransposedConv2D(last, filters, 4, 1))
    generator = TransposedConv2D(last, 3, 4, 1, nonlinearities.sigmoid)

    last = InputLayer((None, 3, 32, 32), x)
    last = Conv2DLayer(last, 64, (4, 4), (2, 2), pad=1, W=init.Normal(0.02), nonlinearity=leaky)
    for filters in (128, 256):
        last = batch_norm(
            Conv2DLayer(
                last, filters, (4, 4), (2, 2), pad=1, W=init.Normal(0.02), nonlinearity=leaky
            )
        )
    discriminator = DenseLayer(last, 1, nonlinearity=nonlinearities.sigmoid)

    generated = layers.get_output(generator)
    of_real = layers.get_output(discriminator)
    of_generated = layers.get_output(discriminator, generated)
    entropy = lasagne.objectives.binary_crossentropy
    deceived = entropy(of_generated, 1).mean()
    judged = entropy(of_real, 1).mean() + entropy(of_generated, 0).mean()
    adam = partial(updates.adam, learning_rate=2e-4, beta1=0.5)
    steps = adam(deceived, layers.get_all_params(generator, trainable=True))
    steps.update(adam(judged, layers.get_all_params(discriminator, trainable=True)))
    train = theano.function([x], judged, updates=steps)
    params = layers.get_all_params([generator, discriminator])
    # The discriminator sees real and generated images; through it goes the generator's gradient,
    # whose products the graph shares with those of its own, but for those of the weights.
    count = multiplications(generator) + 2 * multiplications(discriminator)
    return Trained(lambda x, _: train(x), X, X, params, count * len(X))


class Tutorial(Steps):
    """The last net of the tutorial, kfkd.py's: a step is an epoch of nolearn's own loop."""

    def __init__(self, X, y) -> None:
        from nolearn.lasagne import BatchIterator, NeuralNet

        class Flip(BatchIterator):
            def transform(self, Xb, yb):
                return FacesByBatches.flip(*super().transform(Xb, yb))

        stages: list = []
        for k, (filters, size, p) in enumerate(((32, 3, 0.1), (64, 2, 0.2), (128, 2, 0.3)), 1):
            stages += [
                (f"conv{k}", Conv2DLayer, filters, size), (f"pool{k}", MaxPool2DLayer),
                (f"dropout{k}", DropoutLayer, p),
            ]  # fmt: skip
        sizes = {
            f"{name}_{what}": value
            for name, _, *rest in stages
            for what, value in self._arguments(name, rest)
        }
        self.net = NeuralNet(
            layers=[
                ("input", InputLayer), *(stage[:2] for stage in stages), ("hidden4", DenseLayer),
                ("dropout4", DropoutLayer), ("hidden5", DenseLayer), ("output", DenseLayer),
            ],
            input_shape=(None, 1, 96, 96), **sizes,
            hidden4_num_units=1000, dropout4_p=0.5, hidden5_num_units=1000,
            output_num_units=30, output_nonlinearity=None,
            update_learning_rate=theano.shared(np.float32(0.03)),
            update_momentum=theano.shared(np.float32(0.9)),
            regression=True, batch_iterator_train=Flip(batch_size=128), max_epochs=3000,
        )  # fmt: skip
        self.net.initialize()
        self.X, self.y = X, y
        last = self.net.layers_["output"]
        self.params = layers.get_all_params(last)
        training, validation = len(X) - -(-len(X) // 5), -(-len(X) // 5)
        each = multiplications(last)
        self.multiplications = training * each + validation * each / 3

    @staticmethod
    def _arguments(name, rest):
        if name.startswith("conv"):
            return [("num_filters", rest[0]), ("filter_size", (rest[1], rest[1]))]
        return [("pool_size", (2, 2))] if name.startswith("pool") else [("p", rest[0])]

    def step(self) -> float:
        self.net.train_loop(self.X, self.y, epochs=1)
        return float(self.net.train_history_[-1]["train_loss"])


def contestant(name: str, faces: str = "") -> Steps:
    """Return the net of this name; `faces` is the file with the tutorial's."""
    lasagne.random.set_rng(np.random.RandomState(1))
    if name == "tutorial":
        with np.load(faces) as arrays:
            return Tutorial(arrays["X"], arrays["y"])
    return learner(name)


if __name__ == "__main__":
    serve(contestant(*sys.argv[1:]).answer)
