"""tutorial/modes, conditions, library/compile/{mode,debugmode,ops,opfromgraph}, library/config."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile import debugmode
from theano.gof.vm import VM_Linker
from theano.ifelse import ifelse

from tests.theano_graphs import needs_a_compiler


def formula():
    x, y = T.dmatrix("x"), T.dvector("y")
    out = T.tanh(T.dot(x, x.T) + y) * 300 - x.sum(axis=1)
    a, b = np.arange(6.0).reshape(3, 2) / 7, np.array([0.1, -0.2, 0.3])
    want = np.tanh(a @ a.T + b) * 300 - a.sum(axis=1)
    return [x, y], out, (a, b), want


LINKERS = ["cvm", "cvm_nogc", "vm", "vm_nogc", "c|py", "c|py_nogc", "py"]


@pytest.mark.parametrize("linker", LINKERS)
def test_every_linker(linker):
    inputs, out, values, want = formula()
    f = theano.function(inputs, out, mode=theano.Mode(linker=linker, optimizer="fast_run"))
    np.testing.assert_allclose(f(*values), want, rtol=1e-10)
    np.testing.assert_allclose(f(*values), want, rtol=1e-10)


OPTIMIZERS = [None, "None", "fast_compile", "o1", "o2", "o3", "o4", "fast_run", "unsafe"]


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "stabilize"])
def test_every_optimizer(optimizer):
    inputs, out, values, want = formula()
    f = theano.function(inputs, out, mode=theano.Mode(linker="vm", optimizer=optimizer))
    np.testing.assert_allclose(f(*values), want, rtol=1e-10)


@pytest.mark.parametrize("name", ["FAST_COMPILE", "FAST_RUN", "NanGuardMode"])
def test_modes_by_name(name):
    inputs, out, values, want = formula()
    np.testing.assert_allclose(theano.function(inputs, out, mode=name)(*values), want, rtol=1e-10)


def test_a_name_that_is_none():
    with pytest.raises(Exception, match=r"[Mm]ode"):
        theano.function([], T.constant(1), mode="NOT_A_MODE")


def test_including_excluding_requiring():
    x = T.dvector("x")
    plain = theano.compile.get_default_mode()
    without = plain.excluding("fusion", "inplace")
    y = T.exp(x * 3) + T.log(x)
    f, g = theano.function([x], y, mode=plain), theano.function([x], y, mode=without)
    assert len(g.maker.fgraph.apply_nodes) > len(f.maker.fgraph.apply_nodes)
    np.testing.assert_allclose(f([1, 2]), g([1, 2]))
    assert not any(getattr(n.op, "inplace_pattern", None) for n in g.maker.fgraph.apply_nodes)
    assert theano.compile.get_mode("FAST_RUN").requiring("fusion") is not None


class TestStability:
    """What the optimizer promises: formulas that would overflow or cancel do not."""

    def test_log_of_one_plus_exp_and_others(self):
        x = T.dvector("x")
        s = T.nnet.sigmoid(x)
        outputs = [T.log(1 + T.exp(x)), T.log(s), T.log(1 - s), T.log(1 + x), T.log(T.exp(x))]
        got = theano.function([x], outputs)([-800.0, 1e-20, 800])
        np.testing.assert_allclose(got[0], [0, np.log(2), 800])
        np.testing.assert_allclose(got[1], [-800, -np.log(2), 0])
        np.testing.assert_allclose(got[2], [0, -np.log(2), -800], atol=1e-300)
        np.testing.assert_allclose(got[3][1:], [1e-20, np.log(801)])

    def test_log_softmax(self):
        x, y = T.dmatrix("x"), T.lvector("y")
        loss = T.nnet.categorical_crossentropy(T.nnet.softmax(x), y)
        f = theano.function([x, y], [loss, T.grad(loss.sum(), x)])
        got, slope = f([[1000.0, 0, -1000], [1, 2, 3]], [2, 0])
        np.testing.assert_allclose(got, [2000, 2 + np.log(1 + np.exp(-1) + np.exp(-2))])
        np.testing.assert_allclose(slope[0], [1, 0, -1])


class TestConditions:
    def graph(self):
        a, b = T.dscalars("a", "b")
        x, y = T.dmatrices("x", "y")
        condition = T.lt(a, b)
        return [a, b, x, y], condition, T.mean(x), T.mean(y)

    def test_both_take_the_same_branch(self):
        inputs, c, p, q = self.graph()
        f = theano.function(inputs, [T.switch(c, p, q), ifelse(c, p, q)])
        one, two = np.ones((2, 2)), np.full((2, 3), 5.0)
        assert [float(v) for v in f(0, 1, one, two)] == [1, 1]
        assert [float(v) for v in f(2, 1, one, two)] == [5, 5]

    @pytest.mark.parametrize("linker", ["vm", "cvm"])
    def test_ifelse_is_lazy(self, linker):
        ran = []

        class Noting(theano.Op):
            __props__ = ("word",)

            def __init__(self, word):
                self.word = word

            def make_node(self, x):
                return theano.Apply(self, [x], [x.type()])

            def perform(self, node, inputs, outputs):
                ran.append(self.word)
                outputs[0][0] = inputs[0] * 2

        c, x = T.bscalar("c"), T.dvector("x")
        yes, no = Noting("yes")(x), Noting("no")(x)
        mode = theano.Mode(linker=linker)
        f = theano.function([c, x], ifelse(c, yes, no), mode=mode)
        f(1, [1.0])
        f(0, [1.0])
        assert ran == ["yes", "no"]
        del ran[:]
        theano.function([c, x], T.switch(c, yes, no), mode=mode)(1, [1.0])
        assert sorted(ran) == ["no", "yes"]

    def test_several_outputs_and_gradients(self):
        c, x = T.bscalar("c"), T.dvector("x")
        p, q = ifelse(c, [x**2, x.sum()], [x * 300, x.prod()])
        f = theano.function([c, x], [p, q, T.grad(p.sum() + q, x)])
        got = f(1, [2.0, 3])
        assert [g.tolist() for g in got] == [[4, 9], 5, [5, 7]]
        got = f(0, [2.0, 3])
        assert [g.tolist() for g in got] == [[600, 900], 6, [303, 302]]

    def test_branches_of_different_types(self):
        with pytest.raises(TypeError):
            ifelse(T.bscalar(), T.dvector(), T.dmatrix())


class TestDebugMode:
    def test_right_graphs_pass(self, engine):
        x = T.dvector("x")
        mode = self.mode() if engine == "stock-python" else "DebugMode"  # which compiles
        f = theano.function([x], [10 * x, T.exp(x).sum()], mode=mode)
        for value in [5.0], [0.0], [7.0, -1]:
            np.testing.assert_allclose(f(value)[0], 10 * np.array(value))

    def test_options(self):
        x = T.dvector("x")
        mode = debugmode.DebugMode(check_c_code=False)
        assert theano.function([x], 10 * x, mode=mode)([1]) == [10]

    def broken(self, **more):
        class Broken(theano.Op):
            __props__ = ()

            def make_node(self, x):
                return theano.Apply(self, [x], [x.type()])

            def perform(self, node, inputs, outputs):
                self.body(inputs[0], outputs[0])

        for name, value in more.items():
            setattr(Broken, name, value)
        return Broken()

    def mode(self):
        return debugmode.DebugMode(check_c_code=False, stability_patience=1)

    def test_bad_destroy_map(self):
        def body(self, x, out):
            x += 1
            out[0] = x.copy()

        x = T.dvector("x")
        f = theano.function([x], self.broken(body=body)(x * 2), mode=self.mode())
        with pytest.raises(debugmode.BadDestroyMap):
            f([1, 2])

    def test_bad_view_map(self):
        def body(self, x, out):
            out[0] = x[:]

        x = T.dvector("x")
        f = theano.function([x], self.broken(body=body)(x * 2), mode=self.mode())
        with pytest.raises(debugmode.BadViewMap):
            f([1, 2])

    def test_invalid_value(self):
        def body(self, x, out):
            out[0] = x.astype("complex64")

        x = T.dvector("x")
        f = theano.function([x], self.broken(body=body)(x * 2), mode=self.mode())
        with pytest.raises(debugmode.InvalidValueError):
            f([1, 2])

    def test_not_finite(self):
        x = T.dvector("x")
        f = theano.function([x], T.log(x), mode=self.mode())
        with pytest.raises(debugmode.InvalidValueError):
            f([-1])
        lax = debugmode.DebugMode(check_c_code=False, check_isfinite=False, stability_patience=1)
        assert np.isnan(theano.function([x], T.log(x), mode=lax)([-1]))

    @pytest.mark.long
    def test_c_code_that_computes_something_else(self, engine):
        needs_a_compiler(engine)

        class Broken(theano.Op):
            __props__ = ()

            def make_node(self, x):
                return theano.Apply(self, [x], [x.type()])

            def perform(self, node, inputs, outputs):
                outputs[0][0] = np.asarray(inputs[0] * 2)

            def c_code(self, node, name, inputs, outputs, sub):
                (x,), (z,) = inputs, outputs
                return f"""
                Py_XDECREF({z});
                {z} = (PyArrayObject *)PyArray_NewCopy({x}, NPY_ANYORDER);
                """

        x = T.dvector("x")
        f = theano.function([x], Broken()(x), mode=debugmode.DebugMode(stability_patience=1))
        with pytest.raises(debugmode.BadThunkOutput):
            f([1, 2])

    def test_an_optimization_that_is_wrong(self, engine):
        if engine == "stock-python":
            pytest.skip("Mode.register forgets check_c_code=False, and there is no compiler")
        right = self.broken(body=lambda self, x, out: out.__setitem__(0, x * 2))
        wrong = self.broken(body=lambda self, x, out: out.__setitem__(0, x * 3))

        @theano.gof.local_optimizer([type(right)])
        def replace(node):
            return [wrong(*node.inputs)] if node.op == right else False

        mode = self.mode().register((theano.gof.TopoOptimizer(replace), 49))
        x = T.dvector("x")
        f = theano.function([x], right(x), mode=mode)
        with pytest.raises(debugmode.BadOptimization):
            f([1, 2])

    def test_kinds_of_errors(self):
        for name in (
            "BadThunkOutput", "BadOptimization", "BadDestroyMap", "BadViewMap",
            "StochasticOrder", "InvalidValueError",
        ):  # fmt: skip
            assert issubclass(getattr(debugmode, name), debugmode.DebugModeError)


class TestOpFromGraph:
    @pytest.mark.parametrize("inline", [False, True])
    def test_a_graph_as_an_op(self, inline):
        x, y, z = T.dscalars("x", "y", "z")
        op = theano.OpFromGraph([x, y, z], [x + y * z], inline=inline)
        out = op(x, y, z) - op(z, y, x)
        f = theano.function([x, y, z], [out, *T.grad(out, [x, y])])
        assert [float(v) for v in f(2, 3, 5)] == [2 + 15 - 5 - 6, -2, 3]
        kinds = [n.op for n in f.maker.fgraph.apply_nodes]
        assert any(isinstance(k, theano.OpFromGraph) for k in kinds) != inline

    def test_shared_variables_inside(self):
        x, s = T.dscalar("x"), theano.shared(np.float64(3))
        op = theano.OpFromGraph([x], [x * s])
        f = theano.function([x], op(x))
        assert f(2) == 6
        s.set_value(np.float64(10))
        assert f(2) == 20

    def test_gradients_of_ones_own(self):
        x, y = T.dscalars("x", "y")
        op = theano.OpFromGraph(
            [x, y], [x * y], grad_overrides=lambda inputs, grads: [grads[0] * 300, grads[0] * -1]
        )
        gx, gy = T.grad(op(x, y), [x, y])
        assert [
            float(v) for v in theano.function([x, y], [gx, gy], on_unused_input="ignore")(2, 3)
        ] == [300, -1]

    def test_r_operator(self):
        x, v = T.dvector("x"), T.dvector("v")
        op = theano.OpFromGraph([x], [x**3])
        f = theano.function([x, v], T.Rop(op(x), x, v))
        np.testing.assert_allclose(f([1, 2], [1, -1]), [3, -12])


class TestConfig:
    def test_defaults_that_the_docs_name(self):
        c = theano.config
        table = {
            "cast_policy": "custom", "int_division": "int", "mode": "Mode", "profile": False,
            "allow_gc": True, "on_unused_input": "raise",
            "compute_test_value": "off", "exception_verbosity": "low", "deterministic": "default",
            "warn_float64": "ignore", "openmp": False, "optimizer_excluding": "",
            "reoptimize_unpickled_function": False, "on_shape_error": "warn",
        }  # fmt: skip
        for name, value in table.items():
            assert getattr(c, name) == value
        assert c.optimizer in ("fast_run", "o4")  # two names of one
        assert c.DebugMode.check_preallocated_output == ""
        assert c.scan.allow_gc is False
        assert c.numpy.seterr_all == "ignore"

    def test_flags_are_checked(self):
        with pytest.raises(ValueError, match="Invalid value"):
            theano.config.floatX = "float17"
        with pytest.raises(AttributeError):
            _ = theano.config.no_such_flag

    def test_changed_for_a_while(self):
        with theano.configparser.change_flags(floatX="float64"):
            assert T.vector().dtype == "float64"

        @theano.configparser.change_flags(floatX="float64")
        def inside():
            return T.scalar().dtype

        assert inside() == "float64"
        assert T.scalar().dtype == "float32"

    def test_warn_float64(self):
        with theano.configparser.change_flags(warn_float64="raise"):
            with pytest.raises(Exception, match="float64"):
                T.dvector()
        with theano.configparser.change_flags(warn_float64="warn"):
            with pytest.warns(UserWarning, match="float64"):
                T.dvector()

    def test_cast_policies(self):
        x = T.fvector()
        with theano.configparser.change_flags(cast_policy="custom"):
            assert (x + 0.1).dtype == "float32"
            assert (x * 1000).dtype == "float32"

    def test_division_of_integers(self):
        a, b = T.iscalars("a", "b")
        assert (a / b).dtype == theano.config.floatX
        with theano.configparser.change_flags(int_division="raise"):
            with pytest.raises(Exception, match="division"):
                a.__div__(b)

    def test_it_prints(self):
        text = str(theano.config)
        assert "floatX" in text
        assert "Doc:" in text


def test_allow_gc():
    x = T.dvector("x")
    keep = theano.Mode(VM_Linker(allow_gc=False, use_cloop=False))
    f = theano.function([x], T.exp(x * 2).sum(), mode=keep)
    assert f([0.0, 0]) == 2
    assert f([0.0]) == 1
