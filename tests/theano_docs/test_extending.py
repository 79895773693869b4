"""extending/*: Ops, C code, Types, as_op, params and optimizations of the user's own."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T
from theano import gof
from theano.compile.ops import FromFunctionOp, as_op

from tests.theano_graphs import needs_a_compiler, unregister


class Scale(theano.Op):
    """Multiplies by a factor; what extending_theano says an Op may have."""

    __props__ = ("factor", "offset")

    def __init__(self, factor, offset=0):
        self.factor, self.offset = factor, offset

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] * self.factor + self.offset

    def infer_shape(self, node, shapes):
        return shapes

    def grad(self, inputs, gradients):
        return [gradients[0] * self.factor]

    def R_op(self, inputs, points):
        if points[0] is None:
            return points
        return [points[0] * self.factor]


class Twice(theano.Op):
    """The short form: itypes and otypes in place of make_node."""

    __props__ = ()
    itypes = (T.dmatrix,)
    otypes = (T.dmatrix,)

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] * 2


VALUE = np.arange(6.0).reshape(2, 3)


class TestOps:
    def test_perform_gradient_and_r_operator(self):
        x, v = T.dmatrix("x"), T.dmatrix("v")
        y = Scale(300, 1)(x)
        f = theano.function([x, v], [y, T.grad((y**2).sum(), x), T.Rop(y, x, v)])
        got = f(VALUE, np.ones((2, 3)))
        np.testing.assert_allclose(got[0], 300 * VALUE + 1)
        np.testing.assert_allclose(got[1], 600 * (300 * VALUE + 1))
        np.testing.assert_allclose(got[2], np.full((2, 3), 300))
        theano.gradient.verify_grad(Scale(3), [VALUE], rng=np.random.RandomState(1))

    def test_itypes_and_otypes(self):
        x = T.dmatrix("x")
        np.testing.assert_array_equal(theano.function([x], Twice()(x))(VALUE), 2 * VALUE)
        with pytest.raises(TypeError):
            Twice()(T.dvector())
        with pytest.raises(
            (NotImplementedError, AttributeError, theano.gradient.NullTypeGradError)
        ):
            T.grad(Twice()(x).sum(), x)

    def test_props_make_equality_hash_and_text(self):
        a, b, c = Scale(4, 5), Scale(4, 5), Scale(2, 5)
        assert a == b
        assert hash(a) == hash(b)
        assert a != c
        assert str(a) == "Scale{factor=4, offset=5}"
        assert str(Twice()) == "Twice"
        x = T.dmatrix("x")
        f = theano.function([x], [a(x) + b(x), c(x)])
        ran = [n.op for n in f.maker.fgraph.apply_nodes if isinstance(n.op, Scale)]
        assert len(ran) == 2  # equal Ops of equal inputs are one node

    def test_infer_shape_saves_the_work(self):
        x = T.dmatrix("x")
        f = theano.function([x], Scale(2)(x).shape)
        assert not any(isinstance(n.op, Scale) for n in f.maker.fgraph.apply_nodes)
        assert f(VALUE).tolist() == [2, 3]
        g = theano.function([x], Twice()(x).shape)  # which has none
        assert any(isinstance(n.op, Twice) for n in g.maker.fgraph.apply_nodes)
        assert g(VALUE).tolist() == [2, 3]

    def test_a_default_output(self):
        class Both(theano.Op):
            __props__ = ()
            default_output = 1

            def make_node(self, x):
                return theano.Apply(self, [x], [x.type(), x.type()])

            def perform(self, node, inputs, outputs):
                outputs[0][0], outputs[1][0] = inputs[0] + 1, inputs[0] - 1

        x = T.dvector("x")
        assert isinstance(Both()(x), T.TensorVariable)
        assert theano.function([x], Both()(x))([3.0]) == [2]
        both = Both()(x, return_list=True)
        assert len(both) in (1, 2)

    def test_in_place_and_views(self):
        class AddOne(theano.Op):
            __props__ = ("inplace",)

            def __init__(self, inplace=False):
                self.inplace = inplace
                if inplace:
                    self.destroy_map = {0: [0]}

            def make_node(self, x):
                return theano.Apply(self, [x], [x.type()])

            def perform(self, node, inputs, outputs):
                x = inputs[0] if self.inplace else inputs[0].copy()
                x += 1
                outputs[0][0] = x

        x = T.dvector("x")
        given = np.zeros(2)
        f = theano.function([x], AddOne(inplace=True)(x * 1), accept_inplace=True)
        assert f(given).tolist() == [1, 1]
        assert given.tolist() == [0, 0]
        with pytest.raises(TypeError, match="must not contain inplace operations"):
            theano.function([x], AddOne(inplace=True)(x))
        y = AddOne(inplace=True)(x)
        with pytest.raises(gof.InconsistencyError):
            # Two would write to one array.
            theano.function(
                [theano.In(x, mutable=True)], [y, AddOne(inplace=True)(x) * 3 + Scale(1)(x)],
                accept_inplace=True, mode=theano.Mode("vm", None),
            )  # fmt: skip

    def test_thunks_of_ones_own(self):
        class Mine(theano.Op):
            __props__ = ()

            def make_node(self, x):
                return theano.Apply(self, [x], [x.type()])

            def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
                x, out = storage_map[node.inputs[0]], storage_map[node.outputs[0]]

                def thunk():
                    out[0] = x[0] * 5
                    compute_map[node.outputs[0]][0] = True

                thunk.inputs, thunk.outputs, thunk.lazy = [x], [out], False
                return thunk

        x = T.dvector("x")
        assert theano.function([x], Mine()(x) + 1)([2.0]) == [11]


class TestAsOp:
    def test_a_python_function_as_an_op(self):
        @as_op(
            itypes=[T.dmatrix, T.dmatrix],
            otypes=[T.dmatrix],
            infer_shape=lambda node, shapes: [(shapes[0][0], shapes[1][1])],
        )
        def product(a, b):
            return a @ b

        x, y = T.dmatrices("x", "y")
        out = product(x, y)
        f = theano.function([x, y], [out, out.shape])
        got = f(VALUE, VALUE.T)
        np.testing.assert_allclose(got[0], VALUE @ VALUE.T)
        assert got[1].tolist() == [2, 2]
        only_shape = theano.function([x, y], out.shape)
        assert not any(
            isinstance(n.op, FromFunctionOp) for n in only_shape.maker.fgraph.apply_nodes
        )
        with pytest.raises(
            (NotImplementedError, AttributeError, theano.gradient.NullTypeGradError)
        ):
            T.grad(out.sum(), x)

    def test_several_outputs(self):
        @as_op(itypes=[T.dvector], otypes=[T.dvector, T.dscalar])
        def twice_and_sum(v):
            return v * 2, v.sum()

        x = T.dvector("x")
        got = theano.function([x], twice_and_sum(x))([1, 2, 300])
        assert got[0].tolist() == [2, 4, 600]
        assert got[1] == 303


class Both(theano.Op):
    """x * factor, in C and in Python."""

    __props__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor

    def make_node(self, x):
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] * self.factor

    def c_code(self, node, name, inputs, outputs, sub):
        (x,), (z,), fail, factor = inputs, outputs, sub["fail"], self.factor
        return f"""
        if (PyArray_NDIM({x}) != 1) {{
            PyErr_SetString(PyExc_ValueError, "a vector is wanted");
            {fail};
        }}
        Py_XDECREF({z});
        {z} = (PyArrayObject *)PyArray_EMPTY(1, PyArray_DIMS({x}), PyArray_TYPE({x}), 0);
        if (!{z}) {{ {fail}; }}
        for (npy_intp i = 0; i < PyArray_DIMS({x})[0]; ++i)
            *(dtype_{z} *)PyArray_GETPTR1({z}, i) =
                *(dtype_{x} *)PyArray_GETPTR1({x}, i) * {factor};
        """

    def c_code_cache_version(self):
        return (1,)


class WithParams(theano.Op):
    """A linear combination whose weights are params."""

    params_type = gof.ParamsType(a=theano.scalar.float64, b=theano.scalar.float64)
    __props__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b

    def make_node(self, x, y):
        x, y = theano.scalar.as_scalar(x), theano.scalar.as_scalar(y)
        return theano.Apply(self, [x, y], [x.type()])

    def perform(self, node, inputs, outputs, params):
        outputs[0][0] = params.a * inputs[0] + params.b * inputs[1]

    def c_code(self, node, name, inputs, outputs, sub):
        (x, y), (z,), p = inputs, outputs, sub["params"]
        return f"{z} = {p}->a * {x} + {p}->b * {y};"

    def c_code_cache_version(self):
        return (1,)


class TestC:
    @pytest.mark.parametrize("linker", ["py", "cvm"])
    def test_c_and_python_agree(self, linker):
        x = T.dvector("x")
        f = theano.function([x], Both(7)(x), mode=theano.Mode(linker, None))
        np.testing.assert_array_equal(f(np.arange(6.0)[::2]), [0, 14, 28])

    @pytest.mark.long
    def test_only_c(self, engine):
        needs_a_compiler(engine)
        x = T.dvector("x")
        f = theano.function([x], Both(7)(x), mode=theano.Mode("c", None))
        np.testing.assert_array_equal(f(np.arange(3.0)), [0, 7, 14])

    @pytest.mark.parametrize("linker", ["py", "cvm"])
    def test_params(self, linker):
        x, y = theano.scalar.float64("x"), theano.scalar.float64("y")
        op = WithParams(2, -3.5)
        assert op == WithParams(2, -3.5)
        f = theano.function([x, y], op(x, y), mode=theano.Mode(linker, None))
        assert f(10.0, 2.0) == 13

    @pytest.mark.long
    def test_code_in_a_file(self, engine, tmp_path):
        needs_a_compiler(engine)
        file = tmp_path / "product.c"
        file.write_text(
            """#section support_code
static bool same(PyArrayObject *a, PyArrayObject *b) {
  return PyArray_DIMS(a)[0] == PyArray_DIMS(b)[0];
}
#section support_code_apply
int APPLY_SPECIFIC(product)(PyArrayObject *a, PyArrayObject *b, PyArrayObject **z) {
  if (!same(a, b)) {
    PyErr_SetString(PyExc_ValueError, "lengths differ");
    return 1;
  }
  Py_XDECREF(*z);
  *z = (PyArrayObject *)PyArray_EMPTY(1, PyArray_DIMS(a), TYPENUM_OUTPUT_0, 0);
  if (!*z) return 1;
  for (npy_intp i = 0; i < PyArray_DIMS(a)[0]; ++i)
    *(DTYPE_OUTPUT_0 *)PyArray_GETPTR1(*z, i) =
        *(DTYPE_INPUT_0 *)PyArray_GETPTR1(a, i) * *(DTYPE_INPUT_1 *)PyArray_GETPTR1(b, i);
  return 0;
}
"""
        )

        class Product(gof.COp):
            __props__ = ()

            def __init__(self):
                super().__init__([str(file)], "APPLY_SPECIFIC(product)")

            def make_node(self, x, y):
                dtype = theano.scalar.upcast(x.dtype, y.dtype)
                return theano.Apply(self, [x, y], [T.vector(dtype=dtype)])

        x, y = T.dvector("x"), T.fvector("y")
        f = theano.function([x, y], Product()(x, y))
        np.testing.assert_array_equal(f([1, 2], np.array([3, 4], "float32")), [3, 8])
        with pytest.raises(ValueError, match="lengths differ"):
            f([1, 2], np.array([3], "float32"))


class TestTypes:
    def test_a_type_in_python(self):
        class Word(gof.Type):
            def filter(self, value, strict=False, allow_downcast=None):
                if isinstance(value, str):
                    return value
                if strict:
                    raise TypeError("a str is wanted")
                return str(value)

            def __eq__(self, other):
                return type(self) is type(other)

            def __hash__(self):
                return hash(type(self))

            def __str__(self):
                return "Word"

        word = Word()

        class Join(theano.Op):
            __props__ = ()

            def make_node(self, a, b):
                if not (a.type == word and b.type == word):
                    raise TypeError("words are joined")
                return theano.Apply(self, [a, b], [word()])

            def perform(self, node, inputs, outputs):
                outputs[0][0] = inputs[0] + inputs[1]

        a, b = word("a"), word("b")
        f = theano.function([a, b], Join()(a, b))
        assert f("up", "on") == "upon"
        assert f("up", 7) == "up7"
        with pytest.raises(TypeError):
            Join()(a, T.dscalar())
        constant = gof.Constant(word, "!")
        assert theano.function([a], Join()(a, constant))("hey") == "hey!"
        assert theano.function([a], a)("same") == "same"

    def test_filter_of_a_tensor_type(self):
        kind = T.fvector
        value = kind.filter([1, 2])
        assert (type(value), value.dtype) == (np.ndarray, np.dtype("float32"))
        with pytest.raises(TypeError):
            kind.filter(np.ones(2), strict=True)
        with pytest.raises(TypeError):
            kind.filter(np.array([0.1, 1e40]))
        assert kind.filter(np.array([0.1]), allow_downcast=True).dtype == "float32"
        assert kind.is_valid_value(np.ones(2, "float32"))
        assert not kind.is_valid_value(np.ones(2))
        assert kind.values_eq_approx(np.float32([1]), np.float32([1 + 1e-7]))
        assert not kind.values_eq_approx(np.float32([1]), np.float32([1.1]))
        assert T.dvector.values_eq_approx(np.array([np.nan]), np.array([np.nan]))


class TestOptimizations:
    def graph(self):
        x, y, z = theano.scalar.float64("x"), theano.scalar.float64("y"), theano.scalar.float64("z")
        s = theano.scalar
        return x, y, z, s.add(z, s.mul(s.true_div(s.mul(y, x), y), s.true_div(z, x)))

    def test_local(self):
        s = theano.scalar

        @gof.local_optimizer([s.true_div])
        def simplify(node):
            if node.op == s.true_div:
                x, y = node.inputs
                if x.owner and x.owner.op == s.mul:
                    a, b = x.owner.inputs
                    if y == a:
                        return [b]
                    if y == b:
                        return [a]
            return False

        x, y, z, a = self.graph()
        graph = gof.FunctionGraph([x, y, z], [a])
        assert str(graph) == "[add(z, mul(true_div(mul(y, x), y), true_div(z, x)))]"
        gof.TopoOptimizer(simplify).optimize(graph)
        assert str(graph) == "[add(z, mul(x, true_div(z, x)))]"

    def test_global(self):
        s = theano.scalar

        class Simplify(gof.Optimizer):
            def add_requirements(self, graph):
                graph.attach_feature(gof.toolbox.ReplaceValidate())

            def apply(self, graph):
                for node in graph.toposort():
                    if node.op == s.true_div and node.inputs[0].owner:
                        inner = node.inputs[0].owner
                        if inner.op == s.mul and node.inputs[1] in inner.inputs:
                            rest = [v for v in inner.inputs if v is not node.inputs[1]]
                            graph.replace_validate(node.outputs[0], rest[0])

        x, y, z, a = self.graph()
        graph = gof.FunctionGraph([x, y, z], [a])
        Simplify().optimize(graph)
        assert str(graph) == "[add(z, mul(x, true_div(z, x)))]"

    def test_patterns(self):
        s = theano.scalar
        x, y, z, a = self.graph()
        graph = gof.FunctionGraph([x, y, z], [a])
        cancel = gof.opt.PatternSub((s.true_div, (s.mul, "p", "q"), "p"), "q")
        swap = gof.opt.OpSub(s.add, s.sub)
        for rule in cancel, swap:
            gof.TopoOptimizer(rule).optimize(graph)
        assert str(graph) == "[sub(z, mul(x, true_div(z, x)))]"
        graph = gof.FunctionGraph([x], [s.add(s.identity(x), x)])
        gof.TopoOptimizer(gof.opt.OpRemove(s.identity)).optimize(graph)
        assert str(graph) == "[add(x, x)]"

    def test_merging(self):
        s = theano.scalar
        x, y = theano.scalar.float64("x"), theano.scalar.float64("y")
        graph = gof.FunctionGraph([x, y], [s.mul(s.add(x, y), s.add(x, y), s.add(y, x))])
        assert len(graph.apply_nodes) == 4
        gof.opt.MergeOptimizer().optimize(graph)
        assert len(graph.apply_nodes) == 3  # it does not know that + commutes

    def test_registered_in_the_database(self, engine, request):
        name = f"docs_scale_{engine}"

        @gof.local_optimizer([Scale])
        def to_mul(node):
            if isinstance(node.op, Scale) and node.op.offset == 0:
                return [node.inputs[0] * np.float64(node.op.factor)]

        theano.tensor.opt.register_canonicalize(to_mul, "docs_scale", name=name)
        request.addfinalizer(lambda: unregister(theano.compile.optdb["canonicalize"], name))
        x = T.dvector("x")
        f = theano.function([x], Scale(300)(x))
        assert not any(isinstance(n.op, Scale) for n in f.maker.fgraph.apply_nodes)
        assert f([2]) == [600]
        for tag in name, "docs_scale":
            mode = theano.compile.get_default_mode().excluding(tag)
            g = theano.function([x], Scale(300)(x), mode=mode)
            assert any(isinstance(n.op, Scale) for n in g.maker.fgraph.apply_nodes)
            assert g([2]) == [600]


class TestGraphs:
    """extending/graphstructures, library/gof."""

    def test_apply_and_variables(self):
        x, y = T.dmatrices("x", "y")
        z = T.log(x * y)
        node = z.owner
        assert node.op is T.log
        assert (node.nin, node.nout) == (1, 1)
        assert node.outputs[z.index] is z
        assert node.inputs[0].owner.inputs == [x, y]
        assert x.owner is None
        assert T.constant(3).data == 3

    def test_clients(self):
        v = T.dvector("v")
        f = theano.function([v], (v + 300).sum())
        nodes = f.maker.fgraph.toposort()
        inner = nodes[0].outputs[0]
        client, index = inner.clients[0]
        assert client.inputs[index] is inner
        assert nodes[-1].outputs[0].clients == [("output", 0)]

    def test_walks(self):
        x, y = T.dscalars("x", "y")
        p = x * y
        q = p + 1
        assert set(gof.graph.inputs([q])) >= {x, y}
        assert set(gof.graph.ancestors([q])) >= {x, y, p, q}
        assert [n.outputs[0] for n in gof.graph.io_toposort([x, y], [q])] == [p, q]
        assert gof.graph.ops([x, y], [q]) == {p.owner, q.owner}
        assert set(gof.graph.orphans([x], [q])) >= {y}
        assert set(gof.graph.variables([x, y], [q])) >= {x, y, p, q}
        assert gof.graph.is_same_graph(x * y + 1, x * y + 1)
        assert not gof.graph.is_same_graph(x * y + 1, x + y + 1)
        assert theano.gof.graph.io_connection_pattern([x, y], [q]) == [[True], [True]]

    def test_clones(self):
        x, y = T.dscalars("x", "y")
        z = x * y + 1
        inputs, (copied,) = gof.graph.clone([x, y], [z])
        assert copied is not z
        f = theano.function(inputs, copied)
        assert f(2, 3) == 7
        other = T.dscalar("other")
        replaced = theano.clone(z, replace={x: other + 1})
        assert theano.function([other, y], replaced)(1, 3) == 7
        mapping = gof.graph.clone_get_equiv([x, y], [z])
        assert mapping[z].owner.op is z.owner.op

    def test_features(self):
        x, y = T.dscalars("x", "y")
        z = x * y
        graph = gof.FunctionGraph([x, y], [z + z], clone=False)
        graph.attach_feature(gof.toolbox.ReplaceValidate())
        features = list(graph._features)
        graph.attach_feature(gof.toolbox.ReplaceValidate())  # one is enough
        assert list(graph._features) == features
        before = graph.checkpoint()
        graph.replace(z, x + y)
        assert str(graph.outputs[0].owner.inputs[0].owner.op) == "Elemwise{add,no_inplace}"
        graph.revert(before)
        assert graph.outputs[0].owner.inputs[0] is z
        graph.replace_validate(z, x - y)
        assert graph.outputs[0].owner.inputs[0].owner.op == T.sub

    def test_nodes_found_by_their_op(self):
        x, y = T.dscalars("x", "y")
        z = x * y
        graph = gof.FunctionGraph([x, y], [z + z], clone=False)
        graph.attach_feature(gof.toolbox.NodeFinder())
        assert list(graph.get_nodes(T.mul)) == [z.owner]
        graph.replace(z, x - y)
        assert not list(graph.get_nodes(T.mul))
        assert len(list(graph.get_nodes(T.sub))) == 1

    def test_utils(self):
        unique = gof.utils.uniq([3, 1, 3, 2, 1])
        assert unique == [3, 1, 2]
        assert gof.utils.difference([1, 2, 3], [2]) == [1, 3]
        assert gof.utils.to_return_values([5]) == 5
        assert gof.utils.to_return_values([5, 6]) == [5, 6]
        assert gof.utils.flatten([1, [2, [3]]]) == [1, 2, 3]
        assert gof.utils.memoize(lambda v: [v])(1) == [1]
        assert gof.utils.hash_from_code("a") == gof.utils.hash_from_code("a")
        assert gof.utils.hash_from_code("a") != gof.utils.hash_from_code("b")
        a, b = gof.utils.scratchpad(), object()
        a.x = b
        assert a.x is b


class TestTypedLists:
    """library/typed_list."""

    def test_what_a_list_can_do(self):
        from theano import typed_list

        kind = typed_list.TypedListType(T.fvector)
        x, v, i = kind("x"), T.fvector("v"), T.lscalar("i")
        outputs = [
            typed_list.append(x, v), typed_list.length(x), x[i], typed_list.extend(x, x),
            typed_list.insert(x, i, v), typed_list.remove(x, v), typed_list.reverse(x),
            typed_list.count(x, v), x.ind(v), x[0:1],
        ]  # fmt: skip
        f = theano.function([x, v, i], outputs)
        a, b = np.float32([1, 2]), np.float32([4])
        got = f([a, b], b, np.int64(1))

        def lists(value):
            return [v.tolist() for v in value]

        assert lists(got[0]) == [[1, 2], [4], [4]]
        assert got[1] == 2
        assert got[2].tolist() == [4]
        assert lists(got[3]) == [[1, 2], [4], [1, 2], [4]]
        assert lists(got[4]) == [[1, 2], [4], [4]]
        assert lists(got[5]) == [[1, 2]]
        assert lists(got[6]) == [[4], [1, 2]]
        assert (got[7], got[8]) == (1, 1)
        assert lists(got[9]) == [[1, 2]]

    def test_in_a_scan(self):
        from theano import typed_list

        a = typed_list.TypedListType(T.fvector)("a")
        out, _ = theano.scan(
            lambda i, a: a[i].sum(),
            sequences=[T.arange(typed_list.length(a), dtype="int64")],
            non_sequences=[a],
        )
        got = theano.function([a], out)([np.float32([1, 2, 3]), np.float32([4, 5])])
        assert got.tolist() == [6, 9]

    def test_made_of_variables(self):
        from theano import typed_list

        x, y = T.dvectors("x", "y")
        made = typed_list.make_list([x, y])
        f = theano.function([x, y], [made, made[1] * 2])
        got = f([1], [2, 3])
        assert [v.tolist() for v in got[0]] == [[1], [2, 3]]
        assert got[1].tolist() == [4, 6]


def test_a_solution_with_two_outputs():
    class SumAndDifference(theano.Op):
        __props__ = ()

        def make_node(self, x, y):
            x, y = T.as_tensor_variable(x), T.as_tensor_variable(y)
            if x.type != y.type:
                raise TypeError("two of one type")
            return theano.Apply(self, [x, y], [x.type(), x.type()])

        def perform(self, node, inputs, outputs):
            x, y = inputs
            outputs[0][0], outputs[1][0] = x + y, x - y

        def infer_shape(self, node, shapes):
            return [shapes[0], shapes[0]]

        def grad(self, inputs, gradients):
            a, b = gradients
            return [a + b, a - b]

    x, y = T.dvectors("x", "y")
    s, d = SumAndDifference()(x, y)
    f = theano.function([x, y], [s, d, *T.grad((s**2 * d).sum(), [x, y])])
    got = f([5.0], [2.0])
    assert [float(g[0]) for g in got] == [7, 3, 2 * 7 * 3 + 49, 2 * 7 * 3 - 49]
