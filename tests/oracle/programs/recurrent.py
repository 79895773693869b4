"""Lasagne's recurrent layers with each of their options: output, and the gradients of the input
and of all parameters; a net of an embedding, both directions and a mask, trained."""

import lasagne
import lasagne.layers
import numpy as np
import theano
import theano.tensor as T
from cases import MODES, Case, Namespace, current, given, numbers

L = Namespace(lasagne.layers, "lasagne.layers")

ROWS, STEPS, FEATURES, UNITS = 2, 6, 3, 4
NORMAL = lasagne.init.Normal

OPTIONS = {
    "plain": {},
    "masked": {"mask": True},
    "backwards": {"backwards": True},
    "masked backwards": {"mask": True, "backwards": True},
    "learned initial state": {"learn_init": True, "hid_init": NORMAL(1.0)},
    "unrolled": {"unroll_scan": True},
    "unrolled, masked backwards": {"unroll_scan": True, "mask": True, "backwards": True},
    "not precomputed": {"precompute_input": False},
    "truncated": {"gradient_steps": 3},
    "truncated backwards": {"gradient_steps": 3, "backwards": True, "mask": True},
    "clipped": {"grad_clipping": 0.02},
    "clipped, unrolled": {"grad_clipping": 0.02, "unroll_scan": True},
    "clipped, truncated": {"grad_clipping": 0.02, "gradient_steps": 3, "precompute_input": False},
}
OF_LSTM = {
    "no peepholes": {"peepholes": False},
    "learned initial cell": {"learn_init": True, "cell_init": NORMAL(1.0)},
    "clipped, no peepholes": {"grad_clipping": 0.02, "peepholes": False},
}
IN_C = ["LSTMLayer clipped, truncated", "GRULayer masked backwards"]
IN_C += ["RecurrentLayer unrolled, masked backwards"]


def near(name, build, c=False, ulps=256):
    return Case(name, build, ulps=ulps, whole=True, c="always" if c else False)


def cases():
    layers = {"RecurrentLayer": L.RecurrentLayer, "LSTMLayer": L.LSTMLayer, "GRULayer": L.GRULayer}
    layers["CustomRecurrentLayer"] = custom
    for kind, make in layers.items():
        options = dict(OPTIONS, **(OF_LSTM if kind == "LSTMLayer" else {}))
        for name, how in options.items():
            yield near(
                kind + " " + name,
                lambda m=make, h=how: output_and_gradients(m, h),
                kind + " " + name in IN_C,
            )
        yield near(
            kind + " initial state from outside", lambda m=make: output_and_gradients(m, {}, True)
        )
    # Adam divides a gradient by its size: where it is near 0, rounding decides.
    yield near("two directions of words, trained", trained, True, ulps=4096)


def custom(incoming, units, **options):
    to_hidden = L.DenseLayer(L.InputLayer((None, FEATURES)), units, nonlinearity=None)
    around = L.DenseLayer(L.InputLayer((None, units)), units)
    around = L.DenseLayer(around, units, b=None, nonlinearity=None)
    return L.CustomRecurrentLayer(
        incoming, to_hidden, around, nonlinearity=lasagne.nonlinearities.tanh, **options
    )


def output_and_gradients(make, options, from_outside=False):
    lasagne.random.set_rng(np.random.RandomState(1))
    options = dict(options)
    incoming = L.InputLayer((ROWS, STEPS, FEATURES), given(numbers("float32", (2, 6, 3), 4, -1, 1)))
    if options.pop("mask", False):
        lengths = np.array([[1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0]], "float32")
        options["mask_input"] = L.InputLayer((ROWS, STEPS), given(lengths))
    if from_outside:
        options["hid_init"] = given(numbers("float32", (ROWS, UNITS), 5, -1, 1))
    layer = make(incoming, UNITS, **options)
    params = L.get_all_params(layer)
    for i, p in enumerate(params):  # Lasagne's own are so small that gates hardly move
        p.set_value(numbers("float32", p.get_value().shape, 10 + i, -1, 1))
    output = L.get_output(layer)
    wrt = params + [incoming.input_var] + ([options["hid_init"]] if from_outside else [])
    slopes = T.grad(T.sum(T.sqr(output)), wrt, disconnected_inputs="ignore")
    return [output] + slopes + [list(layer.output_shape)]


def trained():
    """Losses of five steps, and the parameters then."""
    lasagne.random.set_rng(np.random.RandomState(1))
    words, real, target = T.imatrix("words"), T.matrix("real"), T.ivector("target")
    mask = L.InputLayer((None, None), real)
    net = L.EmbeddingLayer(L.InputLayer((None, None), words), 11, 5)
    there = L.LSTMLayer(net, 4, mask_input=mask, grad_clipping=1, learn_init=True)
    back = L.GRULayer(net, 4, mask_input=mask, backwards=True, gradient_steps=4)
    net = L.RecurrentLayer(L.ConcatLayer([there, back], axis=2), 3, mask_input=mask)
    net = L.DenseLayer(L.SliceLayer(net, -1, 1), 2, nonlinearity=lasagne.nonlinearities.softmax)
    loss = lasagne.objectives.categorical_crossentropy(L.get_output(net), target).mean()
    params = L.get_all_params(net, trainable=True)
    updates = lasagne.updates.adam(loss, params, 0.05)
    step = theano.function([words, real, target], loss, updates=updates, mode=MODES[current["way"]])
    rows = numbers("int32", (8, 7), 1, 0, 11)
    present = (np.arange(7) < numbers("int32", (8, 1), 2, 2, 8)).astype("float32")
    losses = [step(rows, present, numbers("int32", (8,), 3, 0, 2)) for _ in range(5)]
    return losses + L.get_all_param_values(net)
