"""Lasagne 0.1: each of its layers, nonlinearities, objectives, regularisers, initialisers and
updates, by seed: the output, the gradients of all parameters, and some steps of training."""

import inspect

import lasagne
import lasagne.layers
import numpy as np
import theano
import theano.tensor as T
from cases import MODES, Case, Namespace, an, current, given, numbers

L = Namespace(lasagne.layers, "lasagne.layers")
N = Namespace(lasagne.nonlinearities, "lasagne.nonlinearities")
J = Namespace(lasagne.objectives, "lasagne.objectives")
R = Namespace(lasagne.regularization, "lasagne.regularization")
U = Namespace(lasagne.updates, "lasagne.updates")
G = Namespace(lasagne.init, "lasagne.init")


def flat():
    return L.InputLayer((4, 6))


def sequence():
    return L.InputLayer((2, 3, 8))


def pictures():
    return L.InputLayer((2, 3, 7, 6))


LAYERS = {
    "DenseLayer": lambda: L.DenseLayer(flat(), 5),
    "DenseLayer of pictures": lambda: L.DenseLayer(pictures(), 5, nonlinearity=None),
    "NINLayer": lambda: L.NINLayer(pictures(), 5),
    "NINLayer untied": lambda: L.NINLayer(pictures(), 5, untie_biases=True),
    "Conv1DLayer": lambda: L.Conv1DLayer(sequence(), 4, 3),
    "Conv1DLayer stride": lambda: L.Conv1DLayer(sequence(), 4, 3, stride=2, pad="full"),
    "Conv2DLayer": lambda: L.Conv2DLayer(pictures(), 4, (3, 2)),
    "Conv2DLayer same": lambda: L.Conv2DLayer(pictures(), 4, 3, pad="same"),
    "Conv2DLayer full": lambda: L.Conv2DLayer(pictures(), 4, 3, pad="full", untie_biases=True),
    "Conv2DLayer stride": lambda: L.Conv2DLayer(pictures(), 16, 3, stride=2, pad=1),
    "MaxPool1DLayer": lambda: L.MaxPool1DLayer(sequence(), 2),
    "MaxPool2DLayer": lambda: L.MaxPool2DLayer(pictures(), 2),
    "MaxPool2DLayer overlapping": lambda: L.MaxPool2DLayer(
        pictures(), 3, stride=2, ignore_border=False
    ),
    "MaxPool2DLayer padded": lambda: L.MaxPool2DLayer(pictures(), 2, pad=1),
    "Pool2DLayer": lambda: L.Pool2DLayer(pictures(), 2, mode="average_inc_pad"),
    "FeaturePoolLayer": lambda: L.FeaturePoolLayer(L.InputLayer((2, 4, 3, 3)), 2),
    "FeatureWTALayer": lambda: L.FeatureWTALayer(L.InputLayer((2, 4, 3, 3)), 2),
    "GlobalPoolLayer": lambda: L.GlobalPoolLayer(pictures()),
    "conv and pool": lambda: L.MaxPool2DLayer(L.Conv2DLayer(pictures(), 16, 3), 2),
    "two stages": lambda: L.DenseLayer(
        L.MaxPool2DLayer(
            L.Conv2DLayer(
                L.MaxPool2DLayer(L.Conv2DLayer(L.InputLayer((3, 1, 14, 14)), 16, 3), 2), 16, 2
            ),
            2,
        ),
        5,
    ),
    "DropoutLayer": lambda: L.DropoutLayer(flat(), p=0.3),
    "DropoutLayer not rescaled": lambda: L.DropoutLayer(flat(), p=0.5, rescale=False),
    "dropout of a dense layer": lambda: L.DenseLayer(L.dropout(L.DenseLayer(flat(), 5), 0.5), 3),
    "GaussianNoiseLayer": lambda: L.GaussianNoiseLayer(flat(), 0.2),
    "FlattenLayer": lambda: L.FlattenLayer(pictures(), 2),
    "ReshapeLayer": lambda: L.ReshapeLayer(pictures(), ([0], -1)),
    "ReshapeLayer of numbers": lambda: L.ReshapeLayer(pictures(), (2, 3, 42)),
    "DimshuffleLayer": lambda: L.DimshuffleLayer(pictures(), (0, 2, 1, 3, "x")),
    "PadLayer": lambda: L.PadLayer(pictures(), 2),
    "SliceLayer": lambda: L.SliceLayer(pictures(), slice(1, 5), axis=2),
    "SliceLayer of one": lambda: L.SliceLayer(pictures(), -1, axis=1),
    "ConcatLayer": lambda: L.ConcatLayer(
        [L.DenseLayer(shared_input(), 3), L.DenseLayer(shared_input(), 4)]
    ),
    "ElemwiseSumLayer": lambda: L.ElemwiseSumLayer(
        [L.DenseLayer(shared_input(), 3), L.DenseLayer(shared_input(), 3)], coeffs=[0.5, -2]
    ),
    "ElemwiseMergeLayer": lambda: L.ElemwiseMergeLayer(
        [L.DenseLayer(shared_input(), 3), L.DenseLayer(shared_input(), 3)], T.maximum
    ),
    "NonlinearityLayer": lambda: L.NonlinearityLayer(flat(), N.tanh),
    "LocalResponseNormalization2DLayer": lambda: L.LocalResponseNormalization2DLayer(pictures()),
    "EmbeddingLayer": lambda: L.EmbeddingLayer(L.InputLayer((3, 4), T.imatrix()), 7, 2),
    "RecurrentLayer": lambda: L.RecurrentLayer(L.InputLayer((2, 4, 3)), 5),
    "RecurrentLayer backwards": lambda: L.RecurrentLayer(
        L.InputLayer((2, 4, 3)), 5, backwards=True, learn_init=True
    ),
    "RecurrentLayer unrolled": lambda: L.RecurrentLayer(
        L.InputLayer((2, 4, 3)), 5, unroll_scan=True, gradient_steps=-1
    ),
    "LSTMLayer": lambda: L.LSTMLayer(L.InputLayer((2, 4, 3)), 5),
    "LSTMLayer clipped": lambda: L.LSTMLayer(
        L.InputLayer((2, 4, 3)), 5, grad_clipping=0.1, peepholes=False, gradient_steps=2
    ),
    "LSTMLayer masked": lambda: L.LSTMLayer(
        L.InputLayer((2, 4, 3)), 5, mask_input=L.InputLayer((2, 4), mask())
    ),
    "GRULayer": lambda: L.GRULayer(L.InputLayer((2, 4, 3)), 5),
    "CustomRecurrentLayer": lambda: L.CustomRecurrentLayer(
        L.InputLayer((2, 4, 3)),
        L.DenseLayer(L.InputLayer((None, 3)), 5),
        L.DenseLayer(L.InputLayer((None, 5)), 5),
    ),
}

NONLINEARITIES = "sigmoid softmax tanh rectify very_leaky_rectify leaky_rectify linear identity"
OBJECTIVES = "binary_crossentropy categorical_crossentropy squared_error"
UPDATES = "sgd momentum nesterov_momentum adagrad rmsprop adadelta adam"


def near(name, build, gradient=False, ulps=256, **more):
    return Case(name, build, gradient, ulps=ulps, whole=True, **more)


_shared = []


def shared_input():
    if len(_shared) % 2 == 0:
        _shared.append(flat())
    else:
        _shared.append(_shared[-1])
    return _shared[-1]


def mask():
    return given(np.array([[1, 1, 1, 0], [1, 0, 0, 0]], "float32"))


def seeded(seed=1):
    lasagne.random.set_rng(np.random.RandomState(seed))
    np.random.seed(seed)


def output_of(make, **how):
    """Output, its gradient with respect to all parameters, of a layer made by seed."""
    seeded()
    del _shared[:]
    layer = make()
    for below in lasagne.layers.get_all_layers(layer):
        if isinstance(below, lasagne.layers.InputLayer) and not hasattr(
            below.input_var.tag, "value"
        ):
            integers = below.input_var.dtype.startswith("int")
            below.input_var.tag.value = (
                numbers("int32", below.shape, 4, 0, 7)
                if integers
                else numbers(theano.config.floatX, below.shape, 4)
            )
    output = lasagne.layers.get_output(layer, **how)
    params = lasagne.layers.get_all_params(layer)
    slopes = T.grad(T.sum(T.sqr(output)), params, disconnected_inputs="ignore") if params else []
    return [output] + slopes + [list(layer.output_shape)]


def trained(update):
    """Losses and parameters of five steps."""
    seeded(3)
    x, y = T.matrix("x"), T.ivector("y")
    net = lasagne.layers.DenseLayer(
        lasagne.layers.DenseLayer(lasagne.layers.InputLayer((None, 6), x), 5),
        3,
        nonlinearity=lasagne.nonlinearities.softmax,
    )
    loss = lasagne.objectives.categorical_crossentropy(lasagne.layers.get_output(net), y).mean()
    params = lasagne.layers.get_all_params(net, trainable=True)
    step = theano.function([x, y], loss, updates=update(loss, params), mode=MODES[current["way"]])
    X, Y = numbers(theano.config.floatX, (8, 6), 1), numbers("int32", (8,), 2, 0, 3)
    return [step(X, Y) for _ in range(5)] + lasagne.layers.get_all_param_values(net)


def cases():
    for name, make in LAYERS.items():
        large = name in ("DenseLayer", "DropoutLayer", "LSTMLayer")
        yield near(
            name,
            lambda m=make: output_of(m),
            c="only" if "conv" in name.lower() else "always" if large else False,
            alone=True,
        )
        if "ropout" in name or "Noise" in name:
            yield near(
                name + " deterministic", lambda m=make: output_of(m, deterministic=True), c=False
            )
    for name in NONLINEARITIES.split():
        yield near(
            f"nonlinearity {name}",
            lambda n=name: getattr(N, n)(an("float32", (3, 4))),
            True,
            c=False,
        )
    yield near("LeakyRectify", lambda: N.LeakyRectify(0.3)(an("float32", (3, 4))), True, c=False)
    p, t = an("float32", (4, 3), 1, 0.1, 0.9), an("float32", (4, 3), 2, 0.1, 0.9)
    classes = given(np.array([0, 2, 1, 1], "int32"))
    for name in OBJECTIVES.split():
        yield near(f"objective {name}", lambda n=name: getattr(J, n)(p, t), c=False)
        yield near(
            f"objective {name} of classes", lambda n=name: getattr(J, n)(p, classes), c=False
        )
    for mode in ("mean", "sum", "normalized_sum"):
        yield near(f"aggregate {mode}", lambda m=mode: J.aggregate(p, t, mode=m), c=False)
    for name in ("l1", "l2"):
        yield near(f"regularizer {name}", lambda n=name: getattr(R, n)(p), True, c=False)
    yield near(
        "apply_penalty",
        lambda: [
            R.apply_penalty([p, t], R.l2),
            R.regularize_layer_params(weighted(), R.l2),
            R.regularize_network_params(weighted(), R.l1),
            R.regularize_layer_params_weighted({weighted(): 0.5}, R.l2),
        ],
        c=False,
    )
    for name in UPDATES.split():

        def update(loss, params, n=name):
            rate = {"adadelta": 1.0}.get(n, 0.1)
            return getattr(U, n)(loss, params, learning_rate=rate)

        yield near(
            f"updates {name}",
            lambda u=update: trained(u),
            c="always" if name in ("sgd", "nesterov_momentum", "adam") else False,
            ulps=1024,
        )
    yield near(
        "apply_momentum",
        lambda: trained(lambda loss, params: U.apply_momentum(U.sgd(loss, params, 0.1), params)),
        c=False,
    )
    yield near(
        "apply_nesterov_momentum",
        lambda: trained(
            lambda loss, params: U.apply_nesterov_momentum(U.sgd(loss, params, 0.1), params)
        ),
        c=False,
    )
    yield near(
        "norm_constraint",
        lambda: [
            U.norm_constraint(an("float32", (3, 4)), 1.5),
            U.norm_constraint(an("float32", (2, 3, 2, 2)), 1.5, norm_axes=(1,)),
        ],
        c=False,
    )
    yield near("total_norm_constraint", lambda: U.total_norm_constraint([p, t], 1.5), c=False)
    yield near(
        "get_or_compute_grads",
        lambda: U.get_or_compute_grads(
            [p, t], [theano.shared(np.zeros((2, 2))), theano.shared(np.zeros((2, 2)))]
        ),
        c=False,
    )
    for name in sorted(vars(lasagne.init)):
        value = getattr(lasagne.init, name)
        if (
            inspect.isclass(value)
            and issubclass(value, lasagne.init.Initializer)
            and value is not lasagne.init.Initializer
        ):
            for shape in ((4, 3), (3, 2, 3, 3), (5,)):
                yield near(f"init {name} {shape}", lambda n=name, s=shape: initial(n, s), c=False)
    yield near("init orthogonal gain", lambda: initial("Orthogonal", (5, 3), gain="relu"), c=False)
    yield near(
        "counts and shapes",
        lambda: [L.count_params(weighted()), L.get_output_shape(weighted())],
        c=False,
    )
    yield near("functions of a net", functions, c=False)
    yield near("functions for layers", lambda: output_of(shapes) + output_of(joined), c=False)
    yield near("Gate", lambda: sorted(vars(L.Gate(W_cell=None))), c=False)


def shapes():
    return L.flatten(L.pad(L.reshape(L.dimshuffle(pictures(), (1, 0, 2, 3)), (3, 2, 6, 7)), 1))


def joined():
    return L.concat([L.DenseLayer(shared_input(), 3), L.DenseLayer(shared_input(), 2)])


def functions():
    net = L.DenseLayer(weighted(), 2)
    values = L.get_all_param_values(net)
    L.set_all_param_values(net, [v * 2 for v in values])
    names = [type(layer).__name__ for layer in L.get_all_layers(net)]
    params = L.get_all_params(net)
    values = [np.asarray(v) for v in L.get_all_param_values(net)]
    output = L.get_output(net, np.ones((4, 6), "float32")).eval()
    return [*names, *[p.name for p in params], *values, output]


def weighted():
    seeded()
    return L.DenseLayer(flat(), 5)


def initial(name, shape, **arguments):
    seeded()
    if name in ("Glorot", "He"):
        arguments["initializer"] = G.Normal
    initializer = getattr(G, name)(**arguments)
    return np.asarray(initializer.sample(shape))
