"""Whole programs, as theses and tutorials have them: trained for some steps, by seed."""

import lasagne
import numpy as np
import theano
import theano.tensor as T
from cases import Case, numbers
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.nnet import conv
from theano.tensor.shared_randomstreams import RandomStreams
from theano.tensor.signal import pool

PROGRAMS = {}


def program(function):
    """Enter a function that returns lists of costs and parameters."""
    PROGRAMS[function.__name__.replace("_", " ")] = function
    return function


def floatX(values):
    return np.asarray(values, dtype=theano.config.floatX)


def shared_dataset(count, length, classes, seed=0):
    x = numbers("float64", (count, length), seed, 0, 1)
    y = (x[:, :classes].argmax(axis=1)).astype("int64")
    return theano.shared(floatX(x), borrow=True), T.cast(theano.shared(floatX(y)), "int32")


@program
def logistic_regression():
    """Batches of shared data by an index, givens, a step of plain gradient descent."""
    train_x, train_y = shared_dataset(60, 12, 4)
    index, x, y = T.lscalar("index"), T.matrix("x"), T.ivector("y")
    W = theano.shared(np.zeros((12, 4), dtype=theano.config.floatX), name="W", borrow=True)
    b = theano.shared(np.zeros((4,), dtype=theano.config.floatX), name="b", borrow=True)
    p_y_given_x = T.nnet.softmax(T.dot(x, W) + b)
    y_pred = T.argmax(p_y_given_x, axis=1)
    cost = -T.mean(T.log(p_y_given_x)[T.arange(y.shape[0]), y])
    g_W, g_b = T.grad(cost=cost, wrt=W), T.grad(cost=cost, wrt=b)
    given = {x: train_x[index * 20 : (index + 1) * 20], y: train_y[index * 20 : (index + 1) * 20]}
    train = theano.function(
        [index], cost, updates=[(W, W - 0.13 * g_W), (b, b - 0.13 * g_b)], givens=given
    )
    test = theano.function([index], T.mean(T.neq(y_pred, y)), givens=given)
    costs = [train(i) for _ in range(5) for i in range(3)]
    return [floatX(costs), floatX([test(i) for i in range(3)]), W.get_value(), b.get_value()]


@program
def multilayer_perceptron_with_dropout():
    """Dropout by shared random streams, L1 and L2, momentum, a learning rate that falls."""
    rng = np.random.RandomState(1234)
    srng = RandomStreams(rng.randint(999999))
    x, y = T.matrix("x"), T.ivector("y")
    train_x, train_y = shared_dataset(40, 10, 3, 1)
    params, velocities, layer = [], [], x
    for n_in, n_out in ((10, 16), (16, 8)):
        bound = np.sqrt(6.0 / (n_in + n_out))
        W = theano.shared(floatX(rng.uniform(low=-bound, high=bound, size=(n_in, n_out))))
        b = theano.shared(floatX(np.zeros(n_out)))
        params += [W, b]
        layer = T.tanh(T.dot(layer, W) + b)
        mask = srng.binomial(n=1, p=0.5, size=layer.shape)
        layer = layer * T.cast(mask, theano.config.floatX)
    W, b = theano.shared(floatX(np.zeros((8, 3)))), theano.shared(floatX(np.zeros(3)))
    params += [W, b]
    p = T.nnet.softmax(T.dot(layer, W) + b)
    L1 = sum(abs(w).sum() for w in params[::2])
    L2_sqr = sum((w**2).sum() for w in params[::2])
    cost = T.nnet.categorical_crossentropy(p, y).mean() + 0.001 * L1 + 0.0001 * L2_sqr
    learning_rate = theano.shared(floatX(0.1))
    updates = []
    for param in params:
        velocity = theano.shared(param.get_value() * 0.0)
        updates.append((velocity, 0.9 * velocity - learning_rate * T.grad(cost, param)))
        updates.append((param, param + updates[-1][1]))
        velocities.append(velocity)
    updates.append((learning_rate, learning_rate * 0.95))
    train = theano.function([], cost, updates=updates, givens={x: train_x, y: train_y})
    costs = [train() for _ in range(8)]
    return [floatX(costs), *[p.get_value() for p in params], learning_rate.get_value()]


@program
def lenet_of_2013():
    """The legacy convolution with its shapes given, pooling, a bias by dimshuffle."""
    rng = np.random.RandomState(23455)
    batch_size = 6
    x, y = T.matrix("x"), T.ivector("y")
    train_x, train_y = shared_dataset(12, 14 * 14, 3, 2)
    params, layer, image_shape = [], x.reshape((batch_size, 1, 14, 14)), (batch_size, 1, 14, 14)
    for filter_shape in ((4, 1, 3, 3), (5, 4, 3, 3)):
        fan_in = np.prod(filter_shape[1:])
        fan_out = filter_shape[0] * np.prod(filter_shape[2:]) / 4
        bound = np.sqrt(6.0 / (fan_in + fan_out))
        W = theano.shared(floatX(rng.uniform(low=-bound, high=bound, size=filter_shape)))
        b = theano.shared(floatX(np.zeros(filter_shape[0])))
        out = conv.conv2d(layer, W, filter_shape=filter_shape, image_shape=image_shape)
        pooled = pool.pool_2d(out, (2, 2), ignore_border=True)
        layer = T.tanh(pooled + b.dimshuffle("x", 0, "x", "x"))
        side = (image_shape[2] - 2) // 2
        image_shape = (batch_size, filter_shape[0], side, side)
        params += [W, b]
    flat = layer.flatten(2)
    W = theano.shared(floatX(rng.uniform(-0.1, 0.1, (5 * side * side, 3))))
    b = theano.shared(floatX(np.zeros(3)))
    params += [W, b]
    p = T.nnet.softmax(T.dot(flat, W) + b)
    cost = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
    index = T.lscalar()
    train = theano.function(
        [index],
        cost,
        updates=[(param, param - 0.1 * g) for param, g in zip(params, T.grad(cost, params))],
        givens={
            x: train_x[index * batch_size : (index + 1) * batch_size],
            y: train_y[index * batch_size : (index + 1) * batch_size],
        },
    )
    costs = [train(i) for _ in range(3) for i in range(2)]
    return [floatX(costs), *[p.get_value() for p in params]]


@program
def lasagne_convolutional_net():
    """Lasagne's own MNIST example in small: dropout, Nesterov momentum, accuracy."""
    lasagne.random.set_rng(np.random.RandomState(7))
    layers = lasagne.layers
    x, target = T.tensor4("inputs"), T.ivector("targets")
    net = layers.InputLayer(shape=(None, 1, 14, 14), input_var=x)
    for filters in (6, 8):
        net = layers.Conv2DLayer(
            net, num_filters=filters, filter_size=(3, 3), W=lasagne.init.GlorotUniform()
        )
        net = layers.MaxPool2DLayer(net, pool_size=(2, 2))
    net = layers.DenseLayer(layers.dropout(net, p=0.0), num_units=12)
    net = layers.DenseLayer(net, num_units=4, nonlinearity=lasagne.nonlinearities.softmax)
    loss = lasagne.objectives.categorical_crossentropy(layers.get_output(net), target).mean()
    params = layers.get_all_params(net, trainable=True)
    updates = lasagne.updates.nesterov_momentum(loss, params, learning_rate=0.05, momentum=0.9)
    test = layers.get_output(net, deterministic=True)
    accuracy = T.mean(T.eq(T.argmax(test, axis=1), target), dtype=theano.config.floatX)
    train_fn = theano.function([x, target], loss, updates=updates)
    val_fn = theano.function([x, target], [test, accuracy])
    X = floatX(numbers("float64", (8, 1, 14, 14), 3, 0, 1))
    y = (numbers("int32", (8,), 4, 0, 4)).astype("int32")
    costs = [train_fn(X, y) for _ in range(5)]
    return [floatX(costs), *val_fn(X, y), *layers.get_all_param_values(net)]


@program
def lstm():
    """Gates in one product, cut into slices, in a scan with a mask; gradients clipped."""
    rng = np.random.RandomState(5)
    size, length, batch = 6, 7, 3
    W = theano.shared(floatX(0.3 * rng.randn(4, 4 * size)), name="W")
    U = theano.shared(floatX(0.3 * rng.randn(size, 4 * size)), name="U")
    b = theano.shared(floatX(np.zeros(4 * size)), name="b")
    x, mask, y = T.tensor3("x"), T.matrix("mask"), T.matrix("y")

    def _slice(_x, n):
        return _x[:, n * size : (n + 1) * size]

    def _step(m_, x_, h_, c_):
        preact = T.dot(h_, U) + x_
        i, f = T.nnet.sigmoid(_slice(preact, 0)), T.nnet.sigmoid(_slice(preact, 1))
        o, c = T.nnet.sigmoid(_slice(preact, 2)), T.tanh(_slice(preact, 3))
        c = f * c_ + i * c
        c = m_[:, None] * c + (1.0 - m_)[:, None] * c_
        h = o * T.tanh(c)
        return m_[:, None] * h + (1.0 - m_)[:, None] * h_, c

    zeros = T.alloc(floatX(0.0), x.shape[1], size)
    (h, _), updates = theano.scan(
        _step, sequences=[mask, T.dot(x, W) + b], outputs_info=[zeros, zeros], name="lstm"
    )
    pooled = (h * mask[:, :, None]).sum(axis=0) / mask.sum(axis=0)[:, None]
    cost = T.sqr(pooled - y).mean()
    params = [W, U, b]
    grads = [T.clip(g, -0.05, 0.05) for g in T.grad(cost, params)]
    updates = list(updates.items()) + [(p, p - 0.5 * g) for p, g in zip(params, grads)]
    train = theano.function([x, mask, y], [cost, pooled], updates=updates)
    X = floatX(numbers("float64", (length, batch, 4), 6, -1, 1))
    m = floatX(np.arange(length)[:, None] < np.array([7, 4, 5])[None])
    Y = floatX(numbers("float64", (batch, size), 7, -0.5, 0.5))
    found = [train(X, m, Y) for _ in range(5)]
    return [floatX([c for c, _ in found]), found[-1][1], *[p.get_value() for p in params]]


@program
def denoising_autoencoder():
    """Tied weights, inputs corrupted by MRG's random numbers, the cross-entropy in full."""
    rng = np.random.RandomState(123)
    theano_rng = MRG_RandomStreams(rng.randint(2**30))
    x = T.matrix("x")
    bound = 4 * np.sqrt(6.0 / (8 + 12))
    W = theano.shared(floatX(rng.uniform(-bound, bound, (12, 8))), borrow=True)
    b, b_prime = (theano.shared(floatX(np.zeros(n))) for n in (8, 12))
    corrupted = theano_rng.binomial(size=x.shape, n=1, p=0.7, dtype=theano.config.floatX) * x
    y = T.nnet.sigmoid(T.dot(corrupted, W) + b)
    z = T.nnet.sigmoid(T.dot(y, W.T) + b_prime)
    L = -T.sum(x * T.log(z) + (1 - x) * T.log(1 - z), axis=1)
    cost = T.mean(L)
    params = [W, b, b_prime]
    updates = [(p, p - 0.1 * g) for p, g in zip(params, T.grad(cost, params))]
    train = theano.function([x], cost, updates=updates)
    X = floatX(numbers("float64", (10, 12), 8, 0.05, 0.95))
    return [floatX([train(X) for _ in range(6)]), *[p.get_value() for p in params]]


def cases():
    for name, function in PROGRAMS.items():
        yield Case(name, function, ulps=2**14, whole=True, c="always")
