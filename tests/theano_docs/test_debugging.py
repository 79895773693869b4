"""tutorial/debug_faq, printing_drawing, nan_tutorial, shape_info; library/printing."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import io
import sys

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.printing import Print, debugprint, min_informative_str, pprint


class TestErrorMessages:
    def test_shapes_that_do_not_fit(self, engine):
        x, y = T.dvectors("x", "y")
        f = theano.function([x, y], x + x + y)
        # In Python NumPy says it; else Theano, which input has which length.
        said = (
            "not be broadcast"
            if engine == "stock-python"
            else r"mis-match. \(input\[0\].shape\[0\] = 2"
        )
        with pytest.raises(ValueError, match=said) as caught:
            f(np.ones(2), np.ones(3))
        said = str(caught.value)
        for part in (
            "Apply node that caused the error: Elemwise",
            "Inputs types: [TensorType(float64, vector)",
            "Inputs shapes: [(2,)",
            "Inputs strides: [(8,)",
            "HINT: ",
        ):
            assert part in said

    def test_products_that_do_not_fit(self):
        w = theano.shared(np.ones((20, 10)), "w")
        x = T.dmatrix("x")
        f = theano.function([x], T.dot(x, w))
        with pytest.raises(ValueError, match=r"10") as caught:
            f(np.ones((5, 10)))
        said = str(caught.value)
        assert "Inputs shapes: [(5, 10), (20, 10)]" in said
        assert "Apply node that caused the error: " in said

    def test_the_line_where_a_node_was_made(self):
        x, y = T.dvectors("x", "y")
        z = x * y  # this line
        mode = theano.compile.get_default_mode().clone(optimizer=None)
        f = theano.function([x, y], z, mode=mode)
        with pytest.raises(ValueError, match="Backtrace when the node is created") as caught:
            f(np.ones(2), np.ones(3))
        assert "z = x * y  # this line" in str(caught.value)

    def test_high_verbosity(self, engine):
        x, y = T.dvectors("x", "y")
        f = theano.function([x, y], x * y)
        with theano.configparser.change_flags(exception_verbosity="high"):
            with pytest.raises(ValueError, match="Debugprint") as caught:
                f(np.ones(2), np.ones(3))
        said = str(caught.value)
        assert "Debugprint of the apply node" in said
        assert ("Storage map footprint" in said) == (engine != "stock-python")
        assert "|x [id B] <TensorType(float64, vector)>" in said

    def test_a_wrong_argument(self):
        x = T.dmatrix("x")
        f = theano.function([x], x, name="named")
        with pytest.raises(TypeError) as caught:
            f(np.ones(3))
        said = str(caught.value)
        assert 'Bad input argument to theano function with name "named"' in said
        assert "at index 0 (0-based)" in said


class TestTestValues:
    @pytest.fixture(autouse=True)
    def flags(self):
        with theano.configparser.change_flags(compute_test_value="raise"):
            yield

    def test_computed_as_the_graph_is_built(self):
        x, w = T.dmatrix("x"), theano.shared(np.ones((3, 2)))
        x.tag.test_value = np.ones((4, 3))
        y = T.dot(x, w) * 300
        np.testing.assert_array_equal(y.tag.test_value, np.full((4, 2), 900.0))
        assert theano.gof.op.get_test_value(T.constant(3)) == 3

    def test_an_error_where_the_expression_is_written(self):
        x, w = T.dmatrix("x"), theano.shared(np.ones((5, 2)))
        x.tag.test_value = np.ones((4, 3))
        with pytest.raises(ValueError, match="3"):
            T.dot(x, w)

    def test_a_missing_one(self):
        x = T.dvector("x")
        with pytest.raises(ValueError, match="Cannot compute test value"):
            x + 1
        with theano.configparser.change_flags(compute_test_value="warn"):
            with pytest.warns(UserWarning, match="Cannot compute test value"):
                x + 1
        for silent in "ignore", "off":
            with theano.configparser.change_flags(compute_test_value=silent):
                assert not hasattr((x + 1).tag, "test_value")

    def test_of_the_right_type(self):
        x = T.dvector("x")
        x.tag.test_value = np.ones((2, 2))
        with pytest.raises((ValueError, TypeError)):
            x + 1

    def test_random_numbers_are_not_used_up_by_them(self):
        from theano.tensor.shared_randomstreams import RandomStreams

        def numbers(flag):
            with theano.configparser.change_flags(compute_test_value=flag):
                u = RandomStreams(123).uniform(size=(3,))
                return theano.function([], u)()

        np.testing.assert_array_equal(numbers("warn"), numbers("off"))

    def test_printed_on_request(self):
        x = T.dscalar("x")
        x.tag.test_value = np.float64(42)
        assert repr(x) == "x"
        with theano.configparser.change_flags(print_test_value=True):
            assert repr(x).splitlines()[0] == "x"
            assert "array(42.)" in repr(x)


class TestPrint:
    def test_when_it_runs(self, capfd):
        x = T.dvector("x")
        f = theano.function([x], Print("a value of note")(x) * 5)
        np.testing.assert_array_equal(f([1, 2]), [5, 10])
        assert capfd.readouterr().out == "a value of note __str__ = [1. 2.]\n"

    def test_attributes(self, capfd):
        x = T.dmatrix("x")
        f = theano.function([x], Print("m", attrs=["shape", "min", "dtype"])(x))
        f([[1, 2, -7]])
        lines = capfd.readouterr().out.splitlines()
        assert lines == ["m shape = (1, 3)", "m min = -7.0", "m dtype = float64"]

    def test_gradients_go_through(self, capfd):
        x = T.dvector("x")
        g = theano.function([x], T.grad((Print("x")(x) ** 2).sum(), x))
        np.testing.assert_array_equal(g([3]), [6])

    def test_order(self, capfd):
        x = T.dscalar("x")
        a = Print("first")(x)
        theano.function([x], Print("second")(a + 1))(1)
        lines = capfd.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines] == ["first", "second"]


class TestPrinting:
    def test_pp(self):
        x, y = T.dscalars("x", "y")
        w = T.dmatrix("w")
        table = {
            "(x + y)": x + y,
            "((x * y) - x)": x * y - x,
            "(-x)": -x,
            "exp((x ** y))": T.exp(x**y),
            "(x / TensorConstant{300})": x / 300,
            "(w \\dot w)": T.dot(w, w),
            "w.T": w.T,
            "Sum{acc_dtype=float64}(w)": w.sum(),
            "log((TensorConstant{1} + exp(x)))": T.log(1 + T.exp(x)),
        }
        for text, expression in table.items():
            assert theano.pp(expression) == text
        assert theano.pp is theano.printing.pp
        assert pprint(x + y) == "(x + y)"
        assert theano.pp(T.dscalar()) == "<TensorType(float64, scalar)>"

    def test_debugprint(self):
        x = T.dscalar("x")
        text = debugprint(T.grad(x**2, x), file="str")
        lines = text.splitlines()
        assert lines[0] == "Elemwise{mul} [id A] ''   "
        assert lines[2] == " | |Elemwise{second,no_inplace} [id C] ''   "
        assert lines[4] == " | | | |x [id E]"
        assert lines[-1] == "       |TensorConstant{1} [id K]"
        shallow = debugprint(T.grad(x**2, x), depth=2, file="str").splitlines()
        assert [line.split("{")[0] for line in shallow] == ["Elemwise", " |Elemwise", " |Elemwise"]
        typed = debugprint(x + 1, file="str", print_type=True)
        assert "|x [id B] <TensorType(float64, scalar)>" in typed
        named = debugprint((x + 1) * 2, file="str", ids="int")
        assert "[id 0]" in named

    def test_debugprint_of_a_function(self, capsys):
        x = T.dmatrix("x")
        f = theano.function([x], (x**2).shape)
        text = debugprint(f, file="str")
        assert "MakeVector{dtype='int64'} [id A] ''   2" in text
        assert "Shape_i{0} [id B] ''   1" in text
        assert "pow" not in text
        assert "sqr" not in text
        debugprint(f)
        assert capsys.readouterr().out == text
        out = io.StringIO()
        debugprint(f, file=out)
        assert out.getvalue() == text

    def test_variables_and_types(self):
        assert str(T.dmatrix("m")) == "m"
        assert repr(T.dmatrix()) == "<TensorType(float64, matrix)>"
        assert str(T.TensorType("int8", (False,) * 5)) == "TensorType(int8, 5D)"
        assert str(T.irow().type) == "TensorType(int32, row)"
        assert str(T.TensorType("int8", (True, False, False))) == (
            "TensorType(int8, (True, False, False))"
        )
        assert str(T.constant(3)) == "TensorConstant{3}"
        assert str(T.constant(2.5)) == "TensorConstant{2.5}"
        assert str(T.constant(300)) == "TensorConstant{300}"
        assert str(T.constant(np.ones(4))) == "TensorConstant{(4,) of 1.0}"
        assert str(T.constant(np.arange(3))) == "TensorConstant{[0 1 2]}"
        assert str(T.constant([True])) == "TensorConstant{(1,) of True}"
        assert str(T.dscalar("a") + 1) == "Elemwise{add,no_inplace}.0"
        assert str(theano.shared(1.0)) == "<TensorType(float64, scalar)>"

    def test_a_string_that_tells(self):
        x = T.dscalar("x")
        assert min_informative_str(x + 1).splitlines()[0].startswith("A. Elemwise{add")

    def test_pictures_need_pydot(self, tmp_path):
        if any(m in sys.modules for m in ("pydot", "pydot_ng")) or theano.printing.pydot_imported:
            pytest.skip("pydot is installed")
        with pytest.raises(RuntimeError, match="pydot"):
            theano.printing.pydotprint(T.dscalar() + 1, outfile=str(tmp_path / "a.png"))


class TestShapes:
    """tutorial/shape_info."""

    def test_a_shape_is_computed_without_the_value(self):
        x, y = T.dmatrices("x", "y")
        f = theano.function([x, y], T.join(0, x, y).shape)
        assert not any("Join" in str(n.op) for n in f.maker.fgraph.apply_nodes)
        # Which hides that they do not fit.
        assert f(np.ones((5, 4)), np.ones((3, 3))).tolist() == [8, 4]
        join = theano.function([x, y], T.join(0, x, y))
        with pytest.raises(ValueError, match="must match"):
            join(np.ones((5, 4)), np.ones((3, 3)))

    def test_specify_shape(self):
        x = T.dmatrix("x")
        s = T.specify_shape(x, (2, 300))
        f = theano.function([x], (s**2).shape)
        assert all("Shape_i" not in str(n.op) for n in f.maker.fgraph.apply_nodes)
        assert f(np.ones((2, 300))).tolist() == [2, 300]
        g = theano.function([x], s * 2)
        assert g(np.ones((2, 300))).sum() == 1200
        with pytest.raises(AssertionError):
            g(np.ones((2, 3)))


class TestModesThatWatch:
    def test_monitor_mode_sees_inputs_and_outputs(self):
        seen = []

        def before(i, node, fn):
            seen.append([str(node.op), [v[0].tolist() for v in fn.inputs]])

        def after(i, node, fn):
            seen[-1].append([v[0].tolist() for v in fn.outputs])

        x = T.dscalar("x")
        mode = theano.compile.MonitorMode(pre_func=before, post_func=after)
        f = theano.function([x], [5 * x], mode=mode)
        f(3)
        assert len(seen) == 1
        assert sorted(seen[0][1]) == [3, 5]
        assert seen[0][2] == [15]

    def test_detect_nan(self, capsys):
        x = T.dscalar("x")
        mode = theano.compile.MonitorMode(post_func=theano.compile.monitormode.detect_nan)
        f = theano.function([x], [T.log(x) * x], mode=mode.excluding("fusion", "inplace"))
        f(1)
        assert "NaN detected" not in capsys.readouterr().out
        f(0)
        out = capsys.readouterr().out
        assert "*** NaN detected ***" in out
        assert "Inputs : [" in out

    @pytest.mark.parametrize(
        ("value", "word"), [(np.nan, "NaN"), (np.inf, "Inf"), (-np.inf, "Inf"), (1e12, "Big")]
    )
    def test_nan_guard(self, value, word):
        from theano.compile.nanguardmode import NanGuardMode

        x, w = T.matrix("x"), theano.shared(np.ones((2, 3), theano.config.floatX))
        y = T.dot(x, w)
        strict = NanGuardMode(nan_is_error=True, inf_is_error=True, big_is_error=True)
        f = theano.function([x], y, mode=strict)
        assert f(np.ones((1, 2), theano.config.floatX)).tolist() == [[2, 2, 2]]
        bad = np.full((1, 2), value, theano.config.floatX)
        with pytest.raises(AssertionError, match=word):
            f(bad)
        kinds = {"NaN": "nan_is_error", "Inf": "inf_is_error", "Big": "big_is_error"}
        others = {k: k != kinds[word] for k in kinds.values()}
        if word == "Inf":
            others["big_is_error"] = False  # an infinity is big, too
        theano.function([x], y, mode=NanGuardMode(**others))(bad)

    def test_nan_guard_looks_into_what_is_computed(self):
        x = T.vector("x")
        f = theano.function([x], T.log(x), mode="NanGuardMode")
        with pytest.raises(AssertionError, match="NaN"):
            f(np.array([-1], theano.config.floatX))
        with pytest.raises(AssertionError, match="Inf"):
            f(np.array([0], theano.config.floatX))

    def test_memory_that_is_not_set(self):
        mode = theano.compile.get_default_mode().including("alloc_empty_to_zeros")
        x = T.dmatrix("x")
        out, _ = theano.scan(lambda r, s: s + r, sequences=x, outputs_info=T.zeros((2,), "float64"))
        f = theano.function([x], out[-1], mode=mode)
        assert not any(isinstance(n.op, T.AllocEmpty) for n in f.maker.fgraph.apply_nodes)
        assert f(np.ones((3, 2))).tolist() == [3, 3]


def test_breakpoints(monkeypatch, tmp_path, capsys):
    from theano.tests.breakpoint import PdbBreakpoint

    # pudb is the first that is asked for.
    (tmp_path / "pudb.py").write_text("stops = []\nset_trace = lambda: stops.append(1)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pudb", raising=False)
    x, limit = T.dvector("x"), T.dscalar("limit")
    watched = PdbBreakpoint("too large")(T.gt(x.sum(), limit), x)
    f = theano.function([x, limit], watched * 2)
    assert f([1, 2], 10).tolist() == [2, 4]
    assert "pudb" not in sys.modules
    assert f([9, 2], 10).tolist() == [18, 4]
    assert sys.modules.pop("pudb").stops == [1]
    assert "breakpoint 'too large' activated" in capsys.readouterr().out


def test_eval_and_profile(capsys):
    x = T.dvector("x")
    f = theano.function([x], T.exp(x).sum(), profile=True)
    f([0.0, 0])
    f.profile.summary(file=sys.stdout)
    out = capsys.readouterr().out
    assert "Function profiling" in out
    assert "Time in 1 calls to Function.__call__" in out
    assert "Class" in out
