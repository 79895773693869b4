"""C code that users write, in the ways that Theano's documentation shows; Theano's own, mended."""

from __future__ import annotations

import numpy as np
import pytest

import theano_today  # noqa: F401  (first: it mends what follows)

import theano  # isort: skip
import theano.tensor as T
from theano.gof import COp, Op, OpenMPOp, ParamsType
from theano.gof.graph import Apply
from theano.gof.type import CDataType, CEnumType, EnumList, EnumType
from theano.scalar import Scalar

from tests.theano_graphs import engine, names


def computed(outputs, inputs, *arrays, **more):
    """Return what the function computes, which calls each node's C code."""
    function = theano.function(inputs, outputs, **more)
    for thunk, node in zip(function.fn.thunks, function.maker.fgraph.toposort(), strict=True):
        if getattr(node.op, "mine", False):
            assert hasattr(thunk, "cthunk"), f"{node.op} runs in Python"
    return function(*arrays)


class VectorTimes(Op):
    """The documentation's first Op in C: a vector times a scalar, of any floats."""

    __props__ = ()
    mine = True

    def make_node(self, x, y):
        x, y = T.as_tensor_variable(x), T.as_tensor_variable(y)
        return Apply(
            self, [x, y], [T.TensorType(theano.scalar.upcast(x.dtype, y.dtype), (False,))()]
        )

    def c_code_cache_version(self):
        return (1, 0)

    def c_support_code(self):
        return """
        bool vector_same_shape(PyArrayObject* one, PyArrayObject* other) {
            return PyArray_DIMS(one)[0] == PyArray_DIMS(other)[0];
        }
        """

    def c_support_code_apply(self, node, name):
        x, y = (v.type.dtype_specs()[1] for v in node.inputs)
        z = node.outputs[0].type.dtype_specs()[1]
        return f"""
        void times_{name}({x}* x, npy_intp step, {y} y, {z}* z, npy_intp zstep, npy_intp n) {{
            for (npy_intp i = 0; i < n; ++i) z[i * zstep] = x[i * step] * y;
        }}
        """

    def c_code(self, node, name, inputs, outputs, sub):
        (x, y), (z,), fail = inputs, outputs, sub["fail"]
        return f"""
        if (!{z} || !vector_same_shape({z}, {x})) {{
            Py_XDECREF({z});
            npy_intp dims[NPY_MAXDIMS] = {{PyArray_DIMS({x})[0]}};
            {z} = (PyArrayObject*)PyArray_EMPTY(1, dims, PyArray_DESCR({x})->type_num > 11
                ? PyArray_TYPE({x}) : PyArray_TYPE({y}), 0);
            if (!{z}) {{ {fail}; }}
        }}
        times_{name}((dtype_{x}*)PyArray_DATA({x}),
            PyArray_STRIDES({x})[0] / PyArray_DESCR({x})->elsize,
            ((dtype_{y}*)PyArray_DATA({y}))[0], (dtype_{z}*)PyArray_DATA({z}),
            PyArray_STRIDES({z})[0] / PyArray_ITEMSIZE({z}), PyArray_DIMS({x})[0]);
        """


@pytest.mark.parametrize("how", ["fused", "stock"])
def test_an_op_with_c_code(how):
    x, y = T.dvector(), T.dscalar()
    values = np.arange(6.0)[::-2]
    with engine(how):
        got = computed(VectorTimes()(x, y), [x, y], values, 3.0)
    np.testing.assert_array_equal(got, values * 3)


FILE = """
#section support_code_apply

void APPLY_SPECIFIC(scale)(DTYPE_INPUT_0* x, npy_intp n, DTYPE_OUTPUT_0 by) {
    for (npy_intp i = 0; i < n; ++i) x[i] *= by;
}

#section init_code_struct

APPLY_SPECIFIC(calls) = 0;

#section support_code_struct

long APPLY_SPECIFIC(calls);

int APPLY_SPECIFIC(run)(PyArrayObject* x, PyArrayObject** z, PARAMS_TYPE* params) {
    Py_XDECREF(*z);
    *z = (PyArrayObject*)PyArray_NewCopy(x, NPY_CORDER);
    if (!*z) return 1;
    if (params->by == 0) {
        PyErr_Format(PyExc_ValueError, "by is 0");
        return 2;
    }
    APPLY_SPECIFIC(calls) += 1;
    APPLY_SPECIFIC(scale)((DTYPE_OUTPUT_0*)PyArray_DATA(*z), PyArray_SIZE(*z),
                          (DTYPE_OUTPUT_0)(params->by * (params->way == TWICE ? 2 : 1)));
    return 0;
}
"""


def a_cop(folder):
    path = folder / "scale.c"
    path.write_text(FILE)

    class Scale(COp):
        __props__ = ("by", "way")
        mine = True
        params_type = ParamsType(by=Scalar("float64"), way=EnumList("ONCE", "TWICE"))

        def __init__(self, by, way):
            super().__init__([str(path)], "APPLY_SPECIFIC(run)")
            self.by, self.way = by, way

        def make_node(self, x):
            x = T.as_tensor_variable(x)
            return Apply(self, [x], [x.type()])

        def c_code_cache_version(self):
            return ()

    return Scale


def test_an_op_from_a_file_with_params(tmp_path):
    Scale = a_cop(tmp_path)
    x = T.fmatrix()
    values = np.arange(6, dtype="float32").reshape(2, 3)
    ways = Scale.params_type
    outputs = [Scale(3.0, ways.ONCE)(x), Scale(3.0, ways.TWICE)(x)]
    once, twice = computed(outputs, [x], values)
    np.testing.assert_array_equal(once, values * 3)
    np.testing.assert_array_equal(twice, values * 6)
    with pytest.raises(ValueError, match="by is 0"):
        computed(Scale(0.0, ways.ONCE)(x), [x], values)


class Counts(Op):
    """State in the struct of an Op: set up, used in each call, cleaned up."""

    __props__ = ()
    mine = True
    params_type = EnumType(FIRST=100, STEP=7, ctype="long")

    def get_params(self, node):
        return self.params_type.STEP

    def make_node(self, x):
        return Apply(self, [T.as_tensor_variable(x)], [T.lscalar()])

    def c_headers(self):
        return ["<vector>"]

    def c_support_code_struct(self, node, name):
        return f"std::vector<long>* seen_{name};"

    def c_init_code_struct(self, node, name, sub):
        return f"seen_{name} = new std::vector<long>(1, FIRST);"

    def c_cleanup_code_struct(self, node, name):
        return f"delete seen_{name};"

    def c_code(self, node, name, inputs, outputs, sub):
        (z,) = outputs
        return f"""
        seen_{name}->push_back(seen_{name}->back() + {sub["params"]});
        Py_XDECREF({z});
        {z} = (PyArrayObject*)PyArray_FromAny(PyLong_FromLong(seen_{name}->back()),
            PyArray_DescrFromType(NPY_INT64), 0, 0, 0, NULL);
        if (!{z}) {{ {sub["fail"]} }}
        """

    def c_code_cache_version(self):
        return (1,)


def test_state_in_the_struct():
    x = T.lscalar()
    function = theano.function([x], Counts()(x))
    assert [int(function(0)) for _ in range(3)] == [107, 114, 121]
    assert int(theano.function([x], Counts()(x + 1))(0)) == 107


class Sum(OpenMPOp):
    """OpenMP, and a constant of C's as a parameter."""

    __props__ = ()
    mine = True
    params_type = CEnumType(("INT_MAX", "largest"), ctype="int")

    def get_params(self, node):
        return self.params_type.INT_MAX

    def make_node(self, x):
        return Apply(self, [T.as_tensor_variable(x)], [T.dvector()])

    def c_headers(self):
        return [*super().c_headers(), "<climits>"]

    def c_code(self, node, name, inputs, outputs, sub):
        (x,), (z,) = inputs, outputs
        return f"""
        npy_intp two = 2, n = PyArray_SIZE({x});
        double sum = 0, *data = (double*)PyArray_DATA({x});
        #pragma omp parallel for reduction(+:sum)
        for (npy_intp i = 0; i < n; ++i) sum += data[i];
        Py_XDECREF({z});
        {z} = (PyArrayObject*)PyArray_ZEROS(1, &two, NPY_DOUBLE, 0);
        *(double*)PyArray_GETPTR1({z}, 0) = sum;
        *(double*)PyArray_GETPTR1({z}, 1) = {sub["params"]};
        """


@pytest.mark.filterwarnings("ignore:Your g..:UserWarning")
def test_openmp_and_a_constant_of_the_headers():
    x = T.dvector()
    got = computed(Sum(openmp=True)(x), [x], np.arange(100.0))
    np.testing.assert_array_equal(got, [4950, 2**31 - 1])


class Read(Op):
    """The other end of a C pointer that an Op hands on."""

    __props__ = ()
    mine = True

    def make_node(self, pointer):
        return Apply(self, [pointer], [T.lscalar()])

    def c_code(self, node, name, inputs, outputs, sub):
        (z,) = outputs
        return f"""
        Py_XDECREF({z});
        {z} = (PyArrayObject*)PyArray_ZEROS(0, NULL, NPY_INT64, 0);
        *(npy_int64*)PyArray_DATA({z}) = (npy_int64){inputs[0]};
        """


def test_a_pointer_handed_on():
    # Theano's _make_cdata makes the pointer; CDataType keeps it in a capsule.
    pointer = CDataType("void*").make_value(12345)
    constant = theano.gof.Constant(CDataType("void*"), pointer)
    assert computed(Read()(constant), []) == 12345


def test_names_of_python_2():
    class Names(Op):
        __props__ = ()
        mine = True

        def make_node(self, x):
            return Apply(self, [T.as_tensor_variable(x)], [T.lvector()])

        def c_code(self, node, name, inputs, outputs, sub):
            (z,) = outputs
            return f"""
            PyObject *number = PyInt_FromLong(41), *text = PyString_FromString("six letters");
            npy_intp n = 4;
            Py_XDECREF({z});
            {z} = (PyArrayObject*)PyArray_ZEROS(1, &n, NPY_INT64, 0);
            npy_int64* to = (npy_int64*)PyArray_DATA({z});
            to[0] = PyInt_AsLong(number) + PyInt_Check(number) + PyInt_AS_LONG(number);
            to[1] = PyString_Check(text) && !PyInt_Check(text);
            to[2] = strlen(PyString_AsString(text));
            to[3] = NPY_MAXDIMS >= 32;
            Py_DECREF(number); Py_DECREF(text);
            """

    x = T.dscalar()
    assert computed(Names()(x), [x], 0.0).tolist() == [83, 1, 11, 1]


def test_the_maximum_of_all_axes_in_c():
    # NumPy's own C functions: NPY_MAXDIMS said "all axes" until NumPy 2.0.
    x = T.dmatrix()
    values = np.array([[1.0, 7, 3], [9, 2, 9]])
    with engine("stock"):
        function = theano.function([x], [T.argmax(x), *T.max_and_argmax(x), T.cumsum(x)])
    argmax, maximum, where, sums = function(values)
    assert (argmax, maximum, where) == (3, 9.0, 3)
    np.testing.assert_array_equal(sums, np.cumsum(values))
    assert "CumOp" in names(function)


def test_dimshuffle_of_repeated_elements_in_c():
    # np.broadcast_to's stride of 0 was taken for that of an axis of length 1.
    base = np.array([[1, 2, 3], [4, 5, 6]], "int8")
    x = T.bmatrix()
    with engine("stock"):
        mode = theano.Mode("cvm", None)
        function = theano.function([x], x.dimshuffle("x", 1, 0), mode=mode)
    found = function(np.broadcast_to(base[:, :1], base.shape))
    np.testing.assert_array_equal(found, [[[1, 4], [1, 4], [1, 4]]])


def test_increments_at_repeated_indices_and_cumulative_sums():
    x, y = T.matrix(), T.matrix()
    sums = [T.cumsum(x, axis=axis) for axis in (None, 0, 1)]
    f = theano.function([x, y], [T.inc_subtensor(x[[0, 2, 0]], y), *sums])
    value = np.arange(6, dtype=np.float32).reshape(3, 2)
    added, *cumulative = f(value, np.ones((3, 2), np.float32))
    np.testing.assert_array_equal(added, value + np.float32([[2], [0], [1]]))
    for axis, got in zip((None, 0, 1), cumulative, strict=True):
        np.testing.assert_array_equal(got, np.cumsum(value, axis=axis))


def test_the_code_of_a_dimshuffle_is_read_once(monkeypatch):
    op = theano.tensor.elemwise
    first = op.DimShuffle((False,), [0, "x"])
    monkeypatch.setattr(op.DimShuffle, "get_path", None)  # what reads the file calls it
    second = op.DimShuffle((False, True), [0])
    assert second.func_codes == first.func_codes
    assert second.code_sections == first.code_sections
    assert second.code_sections is not first.code_sections
