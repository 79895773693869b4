"""GPU pickles: written by classes of the old names and layouts in a process of their own."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import base64
import json
import pickle
import pickletools

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor import TensorConstant, TensorType, TensorVariable
from theano.tensor.sharedvar import TensorSharedVariable

from tests.fresh_python import says

# Plain classes with the attributes that Theano 0.7 to 0.9 gave their instances: their pickles
# have the same opcodes as those of a machine with a GPU. A GPU array is reduced by the function
# that copyreg had for it, to the unpickler and a NumPy array.
WRITER = """
import base64, json, pickle, sys, types
import numpy as np

def module(name):
    for i, part in enumerate(name.split(".")):
        path = ".".join(name.split(".")[: i + 1])
        sys.modules.setdefault(path, types.ModuleType(path))
    return sys.modules[name]

def stub(name, cls, base=object):
    made = type(cls, (base,), {"__module__": name})
    setattr(module(name), cls, made)
    return made

def function(name, word):
    f = lambda *a: None
    f.__module__, f.__name__, f.__qualname__ = name, word, word
    setattr(module(name), word, f)
    return f

def make(cls, **attributes):
    thing = cls()
    thing.__dict__.update(attributes)
    return thing

scratchpad = stub("theano.gof.utils", "scratchpad")
Container = stub("theano.gof.link", "Container")
Apply = stub("theano.gof.graph", "Apply")
TensorType = stub("theano.tensor.type", "TensorType")
TensorVariable = stub("theano.tensor.var", "TensorVariable")
CudaType = stub("theano.sandbox.cuda.type", "CudaNdarrayType")
var = "theano.sandbox.cuda.var"
CudaShared, CudaConstant, CudaVariable = (
    stub(var, f"CudaNdarray{w}") for w in ("SharedVariable", "Constant", "Variable"))
HostFromGpu = stub("theano.sandbox.cuda.basic_ops", "HostFromGpu")
unpickle_cuda = function("theano.sandbox.cuda.type", "CudaNdarray_unpickler")
gpuarray = "theano.gpuarray.type"
GpuType, GpuShared = stub(gpuarray, "GpuArrayType"), stub(gpuarray, "GpuArraySharedVariable")
old_gpuarray = "theano.sandbox.gpuarray.type"
OldType, OldShared = (
    stub(old_gpuarray, "GpuArrayType"), stub(old_gpuarray, "GpuArraySharedVariable"))
unpickle_gpu = function(gpuarray, "GpuArray_unpickler")
unpickle_old = function(old_gpuarray, "GpuArray_unpickler")

class OnDevice:
    def __init__(self, unpickler, *args):
        self.made_by = unpickler, args
    def __reduce__(self):
        return self.made_by

def shared(cls, type, value, name):
    container = make(Container, type=type, storage=[value], readonly=False, strict=False,
                     allow_downcast=None, name=name)
    return make(cls, type=type, owner=None, index=None, name=name, tag=make(scratchpad),
                container=container, get_value_return_ndarray=True)

a = np.arange(6, dtype="float32").reshape(2, 3)
matrix = make(CudaType, broadcastable=(False, False), name=None)
W = shared(CudaShared, matrix, OnDevice(unpickle_cuda, a), "W")
constant = make(CudaConstant, type=matrix, owner=None, index=None, name=None,
                tag=make(scratchpad), data=OnDevice(unpickle_cuda, a))
host = make(TensorType, dtype="float32", broadcastable=(False, False), name=None,
            numpy_dtype=np.dtype("float32"), sparse_grad=False)
node = make(Apply, op=make(HostFromGpu), inputs=[W], tag=make(scratchpad))
result = make(TensorVariable, type=host, owner=node, index=0, name="on the host",
              tag=make(scratchpad), auto_name="auto_3")
node.outputs = [result]
ints = np.arange(4)
gpu = make(GpuType, dtype="int64", broadcastable=(False,), ndim=1, name=None,
           context_name=None, typecode=9)
old = make(OldType, dtype="int64", broadcastable=(False,), ndim=1, name=None,
           context_name="dev0", typecode=9)
things = {
    "array": OnDevice(unpickle_cuda, a),
    "shared": W,
    "layer": {"params": [W, shared(CudaShared, matrix, OnDevice(unpickle_cuda, -a), "V"), W]},
    "constant": constant,
    "variable": make(CudaVariable, type=matrix, owner=None, index=None, name="x",
                     tag=make(scratchpad), auto_name="auto_7"),
    "graph": result,
    "gpu array": OnDevice(unpickle_gpu, ints, "dev0"),
    "gpu shared": shared(GpuShared, gpu, OnDevice(unpickle_gpu, ints, None), "n"),
    "old gpu shared": shared(OldShared, old, OnDevice(unpickle_old, ints, "dev0"), "n"),
    "wrong": shared(CudaShared, matrix, OnDevice(unpickle_cuda, "no array"), "W"),
    "float64": OnDevice(unpickle_cuda, a.astype("float64")),
    "objects": OnDevice(unpickle_cuda, np.array([print], object)),
    "other rank": shared(CudaShared, matrix, OnDevice(unpickle_cuda, a[0]), "W"),
    "no container": make(CudaShared, type=matrix, tag=make(scratchpad)),
    "container of another kind": make(CudaShared, type=matrix, tag=make(scratchpad), container=7),
    "two values": shared(CudaShared, matrix, a, "W"),
    "pattern": make(CudaType, broadcastable="FF", name=None),
    "no pattern": make(CudaType, name=None),
    "no type": make(CudaVariable, type="float32", tag=make(scratchpad)),
    "gpu dtype": make(GpuType, dtype="float99", broadcastable=()),
}
things["two values"].container.storage.append(a)
print(json.dumps({f"{name} {protocol}": base64.b64encode(pickle.dumps(thing, protocol)).decode()
                  for name, thing in things.items() for protocol in (0, 1, 2)}))
"""
A = np.arange(6, dtype="float32").reshape(2, 3)
PROTOCOLS = (0, 1, 2)


@pytest.fixture(scope="module")
def pickles():
    texts = json.loads(says(WRITER))
    return {name: base64.b64decode(text) for name, text in texts.items()}


@pytest.fixture(params=PROTOCOLS)
def load(request, pickles):
    def load(name):
        return pickle.loads(pickles[f"{name} {request.param}"])

    return load


def test_the_pickles_name_the_old_back_end(pickles):
    names = {str(arg) for _, arg, _ in pickletools.genops(pickles["shared 0"]) if arg}
    assert "theano.sandbox.cuda.var CudaNdarraySharedVariable" in names
    assert "theano.sandbox.cuda.type CudaNdarray_unpickler" in names
    assert "theano.sandbox.cuda.type CudaNdarrayType" in names


def test_arrays(load):
    array = load("array")
    assert type(array) is np.ndarray
    np.testing.assert_array_equal(array, A)
    np.testing.assert_array_equal(load("gpu array"), np.arange(4))


def test_shared_variables(load):
    W = load("shared")
    assert type(W) is TensorSharedVariable
    assert W.type == TensorType("float32", (False, False))
    assert type(W.type) is TensorType
    assert W.name == "W"
    np.testing.assert_array_equal(W.get_value(), A)
    W.set_value(A + 1)
    step = theano.function([], T.sum(W), updates=[(W, 2 * W)])
    assert step() == A.sum() + 6
    np.testing.assert_array_equal(W.get_value(), 2 * A + 2)
    again = pickle.loads(pickle.dumps(W, 2))  # now of no machine's
    np.testing.assert_array_equal(again.get_value(), 2 * A + 2)


def test_a_layers_parameters_keep_their_identity(load):
    first, second, third = load("layer")["params"]
    assert first is third
    assert first.type is second.type
    np.testing.assert_array_equal(second.get_value(), -A)


def test_constants_variables_and_graphs(load):
    constant = load("constant")
    assert type(constant) is TensorConstant
    np.testing.assert_array_equal((constant * 2).eval(), 2 * A)
    x = load("variable")
    assert type(x) is TensorVariable
    np.testing.assert_array_equal((x * 2).eval({x: A}), 2 * A)
    result = load("graph")
    np.testing.assert_array_equal(theano.function([], result + 1)(), A + 1)


@pytest.mark.parametrize("name", ["gpu shared", "old gpu shared"])
def test_shared_variables_of_gpuarray(load, name):
    n = load(name)
    assert type(n) is TensorSharedVariable
    assert n.type == T.lvector
    assert (n * 2).eval().tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrong", "expected a NumPy array of numbers, got 'no array'"),
        ("float64", "expected an array of float32"),
        ("objects", "expected a NumPy array of numbers"),
        ("other rank", "expected a value of 2 axes"),
        ("no container", "with an attribute 'container'"),
        ("container of another kind", "with a container of Theano's, got 7"),
        ("two values", "that holds one value"),
        ("pattern", "a pattern of broadcastable axes, got 'FF'"),
        ("no pattern", "with an attribute 'broadcastable'"),
        ("no type", "a variable with a type of Theano's, got 'float32'"),
        ("gpu dtype", "the name of a dtype, got 'float99'"),
    ],
)
def test_damaged(load, name, message):
    with pytest.raises(pickle.UnpicklingError, match=f"damaged pickle.*{message}"):
        load(name)


def test_cut_short_and_changed_bytes(pickles):
    """Whatever happens is an exception of unpickling, or values that are what they say."""
    data = pickles["shared 2"]
    for end in range(0, len(data), 7):
        with pytest.raises((pickle.UnpicklingError, EOFError)):
            pickle.loads(data[:end])


def test_zips(pickles):
    """As theano.misc.pkl_utils.dump wrote them: arrays as files, named by persistent ids."""
    import io
    import zipfile

    from theano.misc import pkl_utils

    for kind in ("gpuarray", "cuda_ndarray", "ndarray"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            array = io.BytesIO()
            if kind == "gpuarray":
                pickle.dump("dev0", array)
            np.lib.format.write_array(array, A)
            archive.writestr("array_0", array.getvalue())
            archive.writestr("pkl", f"(lp0\nP{kind}.array_0\naP{kind}.array_0\na.".encode())
        first, second = pkl_utils.load(file)
        assert first is second
        np.testing.assert_array_equal(first, A)


def test_what_programs_construct():
    from theano.sandbox import cuda
    from theano.sandbox.cuda.type import CudaNdarrayType
    from theano.sandbox.cuda.var import CudaNdarrayConstant, CudaNdarraySharedVariable

    kind = CudaNdarrayType((False, True), name="column")
    assert kind == T.TensorType("float32", (False, True))
    assert type(kind) is TensorType
    assert kind.clone(broadcastable=(False,)) == T.fvector
    value = cuda.CudaNdarray(A.astype("float64"))
    assert value.dtype == np.float32
    assert value is not A
    W = CudaNdarraySharedVariable("W", CudaNdarrayType((False, False)), A, strict=False)
    assert type(W) is TensorSharedVariable
    np.testing.assert_array_equal(CudaNdarrayConstant(W.type, A).data, A)
    assert cuda.shared_constructor(A, "W").name == "W"
    ints = cuda.var.cuda_shared_constructor(np.arange(3), broadcastable=(False,))
    assert ints.dtype == "float32"
    with pytest.raises(TypeError, match="float32 ndarray required, got int64"):
        cuda.float32_shared_constructor(np.arange(3))
    with pytest.raises(TypeError, match="expected target='gpu', got 'cpu'"):
        cuda.shared_constructor(A, target="cpu")
    function, args = cuda.type.CudaNdarray_pickler(A)
    np.testing.assert_array_equal(function(*args), A)
