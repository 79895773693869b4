"""Models of papers and tutorials, trained for some steps by seed: a variational autoencoder, a
generator against a discriminator, a restricted Boltzmann machine, words' neighbours."""

import lasagne
import numpy as np
import theano
import theano.tensor as T
from cases import MODES, Case, current, numbers
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.nnet import abstract_conv
from theano.tensor.shared_randomstreams import RandomStreams

STEPS = 4


def cases():
    for build in (autoencoder, adversaries, boltzmann_machine, skip_grams):
        c = build is not skip_grams and "always"
        c = "only" if build is adversaries else c  # convolutions have no Python code
        yield Case(build.__name__, build, ulps=2048, whole=True, c=c)


def weights(seed, *shape, **more):
    return theano.shared(numbers("float32", shape, seed, -0.2, 0.2), **more)


def zeros(*shape, **more):
    return theano.shared(np.zeros(shape, "float32"), **more)


def function(inputs, outputs, updates):
    return theano.function(inputs, outputs, updates=updates, mode=MODES[current["way"]])


def values(params):
    return [p.get_value() for p in params]


def autoencoder():
    """The lower bound and its two parts; gradients go through the noise's mean and deviation."""
    noise = MRG_RandomStreams(seed=1234)
    x = T.matrix("x")
    into, mean, deviation = weights(1, 20, 12), weights(2, 12, 3), weights(3, 12, 3)
    back, out = weights(4, 3, 12), weights(5, 12, 20)
    biases = [zeros(n) for n in (12, 3, 3, 12, 20)]
    h = T.nnet.softplus(T.dot(x, into) + biases[0])
    mu, log_sigma = T.dot(h, mean) + biases[1], 0.5 * (T.dot(h, deviation) + biases[2])
    z = mu + noise.normal(mu.shape, dtype="float32") * T.exp(log_sigma)
    y = T.nnet.sigmoid(T.dot(T.tanh(T.dot(z, back) + biases[3]), out) + biases[4])
    divergence = -0.5 * T.sum(1 + 2 * log_sigma - T.sqr(mu) - T.exp(2 * log_sigma), axis=1)
    missed = T.nnet.binary_crossentropy(y, x).sum(axis=1)
    params = [into, mean, deviation, back, out] + biases
    updates = lasagne.updates.adam(T.mean(divergence + missed), params, 0.02)
    step = function([x], [divergence.mean(), missed.mean()], updates)
    pixels = (numbers("float32", (30, 20), 6, 0, 1) < np.linspace(0, 1, 20)).astype("float32")
    losses = [step(pixels[(i % 3) * 10 : (i % 3) * 10 + 10]) for i in range(STEPS)]
    return [v for pair in losses for v in pair] + values(params)


def normalised(x, gain, bias):
    axes, pattern = (0, 2, 3) if x.ndim == 4 else (0,), ("x", 0, "x", "x")[: x.ndim]
    shaped = [v.dimshuffle(*pattern) for v in (x.mean(axes), T.sqr(x).mean(axes), gain, bias)]
    mean, square, gain, bias = shaped
    return (x - mean) / T.sqrt(square - T.sqr(mean) + 1e-3) * gain + bias


def adversaries():
    """The two losses in turn, each with updates of its own; a strided convolution, transposed."""
    z, x = T.matrix("z"), T.tensor4("x")
    dense, filters = weights(1, 5, 4 * 3 * 3), weights(2, 4, 1, 4, 4)
    gain, bias = theano.shared(np.ones(36, "float32")), zeros(36)
    seen, judged = weights(3, 6, 1, 3, 3), weights(4, 6 * 6 * 6)
    seen_gain, seen_bias = theano.shared(np.ones(6, "float32")), zeros(6)

    def generated(z):
        h = T.nnet.relu(normalised(T.dot(z, dense), gain, bias)).reshape((z.shape[0], 4, 3, 3))
        picture = abstract_conv.conv2d_grad_wrt_inputs(
            h, filters, (None, 1, 6, 6), subsample=(2, 2), border_mode=(1, 1)
        )
        return T.nnet.sigmoid(picture)

    def real(x):
        h = T.nnet.conv2d(x, seen, border_mode="half")
        h = T.nnet.relu(normalised(h, seen_gain, seen_bias), 0.2)
        return T.nnet.sigmoid(T.dot(h.flatten(2), judged))

    def loss(p, truth):
        return T.nnet.binary_crossentropy(p, truth * T.ones_like(p)).mean()

    fake = real(generated(z))
    judging, making = [seen, judged, seen_gain, seen_bias], [dense, filters, gain, bias]
    losses = loss(real(x), 1) + loss(fake, 0), loss(fake, 1)
    steps = []
    for cost, params in zip(losses, (judging, making)):
        updates = lasagne.updates.adam(cost, params, 0.01, beta1=0.5)
        steps.append(function([x, z] if params is judging else [z], cost, updates))
    found = []
    for i in range(STEPS):
        noise = numbers("float32", (8, 5), 20 + i, -1, 1)
        found.append(steps[0](numbers("float32", (8, 1, 6, 6), 10 + i, 0, 1), noise))
        found.append(steps[1](noise))
    return found + values(judging + making)


def boltzmann_machine():
    """Persistent contrastive divergence, as deeplearning.net has it, and a chain of samples."""
    streams = RandomStreams(99)
    w, hidden, visible = weights(1, 12, 7), zeros(7), zeros(12)
    chain = zeros(5, 7)
    x = T.matrix("x")

    def energy(v):
        return -T.dot(v, visible) - T.nnet.softplus(T.dot(v, w) + hidden).sum(axis=1)

    def draw(mean):
        return streams.binomial(size=mean.shape, n=1, p=mean, dtype="float32")

    def step(h):
        mean = T.nnet.sigmoid(T.dot(h, w.T) + visible)
        v = draw(mean)
        return mean, v, draw(T.nnet.sigmoid(T.dot(v, w) + hidden))

    (means, samples, states), updates = theano.scan(
        step, outputs_info=[None, None, chain], n_steps=3
    )
    end = samples[-1]
    params = [w, hidden, visible]
    cost = T.mean(energy(x)) - T.mean(energy(end))
    gradients = T.grad(cost, params, consider_constant=[end])
    for p, g in zip(params, gradients):
        updates[p] = p - np.float32(0.1) * g
    updates[chain] = states[-1]
    train = function([x], [cost, means[-1]], updates)
    pixels = (numbers("float32", (10, 12), 3, 0, 1) < np.linspace(0.1, 0.9, 12)).astype("float32")
    found = [v for _ in range(STEPS) for v in train(pixels)] + values(params + [chain])
    sampled, updates = theano.scan(lambda h: step(h)[1:], outputs_info=[None, chain], n_steps=40)
    updates[chain] = sampled[1][-1]
    sample = function([], [sampled[0].sum(axis=(1, 2)), sampled[0][-1]], updates)
    return found + sample() + sample()


def skip_grams():
    """Words by their neighbours: rows of a table, by inc_subtensor, against drawn negatives."""
    table, context = weights(1, 30, 6), weights(2, 30, 6)
    word, near, far = T.ivector("word"), T.ivector("near"), T.imatrix("far")
    rows, good, bad = table[word], context[near], context[far]
    score = T.sum(rows * good, axis=1)
    others = T.batched_dot(bad, rows)
    cost = T.mean(T.nnet.softplus(-score)) + T.mean(T.nnet.softplus(others).sum(axis=1))
    slopes = T.grad(cost, [rows, good, bad])
    updates = {
        table: T.inc_subtensor(rows, -slopes[0]),
        context: T.inc_subtensor(T.inc_subtensor(good, -slopes[1])[far], -slopes[2]),
    }
    step = function([word, near, far], cost, sorted(updates.items(), key=lambda u: u[0] is context))
    found = []
    for i in range(STEPS):
        drawn = [numbers("int32", s, 30 + i + n, 0, 30) for n, s in enumerate(((8,), (8,), (8, 3)))]
        found.append(step(*drawn))
    return found + values([table, context])
