"""The graph while it grows."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest

import tests.exported  # noqa: F401  (skips where onnx is not installed)
from theano_today.export.graph import Graph, dtype_for, value_info


def test_names_are_free_and_plain():
    g = Graph()
    assert [g.name("conv1.W"), g.name("conv1.W"), g.name("a b\n"), g.name("")] == [
        "conv1.W", "conv1.W_1", "a_b_", "value",
    ]  # fmt: skip


def test_types():
    assert [dtype_for(t) for t in ("float64", "float16", "bool", "uint8", "int64")] == [
        np.float32, np.float32, np.bool_, np.int64, np.int64,
    ]  # fmt: skip
    with pytest.raises(NotImplementedError, match="complex64"):
        dtype_for("complex64")


def test_equal_constants_are_written_once():
    g = Graph()
    assert g.ints([1, 2]) == g.ints([1, 2])
    assert g.ints([1]) != g.constant(np.int64(1)) != g.constant(np.float32(1))
    assert g.constant(np.zeros(100)) != g.constant(np.zeros(100))
    # 0 and -0 are not the same.
    assert g.constant(np.float32(0)) != g.constant(np.float32(-0.0))


def test_what_nobody_reads_is_left_out():
    g = Graph()
    g.add("Exp", g.add("Neg", "x"))
    y = g.add("Add", g.add("Neg", "x"), g.constant(np.ones(3)))
    g.constant(np.ones(500), "big")
    info = value_info("x", "float32", (None, 3))
    model = g.model([info], [value_info(y, "float32", (None, 3))], {"told": "this"})
    assert [n.op_type for n in model.graph.node] == ["Neg", "Add"]
    assert [i.name for i in model.graph.initializer] == ["constant"]
    assert model.metadata_props[0].value == "this"


def test_axes():
    """Known lengths are found, whatever a layer says; the batch's axis keeps its name."""
    g = Graph()
    y = g.add("Concat", "x", "x", axis=1)
    z = g.add("Transpose", y, perm=[2, 1, 0])
    info = value_info("x", "float32", (None, 3, None))
    outputs = [value_info(y, "float32", [None] * 3), value_info(z, "float32", [None] * 3)]
    model = g.model([info], outputs, {})
    shapes = [
        [dim.dim_param or dim.dim_value for dim in v.type.tensor_type.shape.dim]
        for v in [*model.graph.input, *model.graph.output]
    ]
    assert shapes == [["batch", 3, "x_2"], ["batch", 6, "x_2"], ["x_2", 6, "batch"]]
