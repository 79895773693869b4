"""Layers and expressions, written as ONNX and run by onnxruntime, beside Theano's own values."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
from lasagne import layers

onnx = pytest.importorskip("onnx", reason="onnx is not installed (requirements-examples.txt)")
ort = pytest.importorskip(
    "onnxruntime", reason="onnxruntime is not installed (requirements-examples.txt)"
)

from theano_today.export.convert import convert  # noqa: E402
from theano_today.export.model import read_model  # noqa: E402

PYTHON = theano.Mode(linker="py", optimizer=None)


def draw(*shape, seed=0, low=-1.0, high=1.0):
    return np.random.RandomState(seed).uniform(low, high, size=shape).astype("float32")


def session(proto):
    onnx.checker.check_model(proto, full_check=True)
    return ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])


def agree(outputs, *values, tolerance=1e-5):
    """Assert that onnxruntime and Theano give the same for some layers; returns the model."""
    model = read_model(outputs)
    variables = [layer.input_var for layer in model.inputs.values()]
    expressions = model.expressions()
    wanted = theano.function(
        variables,
        [expressions[model.name_of(layer)] for layer in model.outputs],
        mode=PYTHON,
        on_unused_input="ignore",
    )(*values)
    proto = convert(model, {})
    found = session(proto).run(None, dict(zip(model.inputs, values, strict=True)))
    for layer, want, got in zip(model.outputs, wanted, found, strict=True):
        name = model.name_of(layer)
        assert np.shape(want) == np.shape(got), (name, np.shape(want), np.shape(got))
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=name)
    return proto


class Expression(layers.Layer):
    """A layer that computes whatever it is told."""

    def __init__(self, incoming, function, **kwargs):
        self.function = function
        super().__init__(incoming, **kwargs)

    def get_output_for(self, input, **kwargs):
        return self.function(input)


def agree_on(functions, *values, tolerance=1e-5):
    """The same for functions of one expression each, by name; all at once for each value."""
    for value in values:
        incoming = layers.InputLayer((None, *value.shape[1:]), name="x")
        if value.dtype != np.float32:
            variable = theano.tensor.TensorType(value.dtype, (False,) * value.ndim)("x")
            incoming = layers.InputLayer((None, *value.shape[1:]), variable, name="x")
        made = [Expression(incoming, f, name=name) for name, f in functions.items()]
        agree(made, value, tolerance=tolerance)
