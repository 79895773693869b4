"""library/compile/function, library/compile/io: inputs, outputs, updates, givens, casting."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T
from theano import In, Out
from theano.gof.vm import VM_Linker


class TestInputs:
    def test_a_value_and_an_update_make_a_state(self):
        u, x, s = T.dscalars("u", "x", "s")
        f = theano.function([u, In(x, value=2), In(s, value=1.0, update=s + x * u)], [])
        assert f(5) == []
        assert f[s] == 11
        f(2, 10)  # another x for this call
        assert (f[s], f[x]) == (31, 2)
        f(1, 1, 100)  # another state: it stays
        assert f[s] == 101
        f[s] = -2
        f(1)
        assert f[s] == 0

    def test_containers_by_position_name_and_variable(self):
        a, b, c = T.dscalar("p"), T.dscalar("q"), T.dscalar("total")
        f = theano.function([a, b, ((c, c + a * b), 4.0)], [])
        for key in "total", c, 2:
            assert f.value[key] == 4
            assert f.container[key].value == 4
        assert f["total"] is f.value[c]
        f(2, 3)
        assert f["total"] == 10
        f["total"] = 50.0
        f(1, 1)
        assert f["total"] == 51
        f.value[c] = 7.0
        assert f.container["total"].value == 7

    def test_short_ways_to_write_an_input(self):
        x, y, z, w = T.dscalar(), T.dscalar("y"), T.dscalar("z"), T.dscalar("w")
        f = theano.function([x, y, In(z, value=30), ((w, w + x), 0)], x * y + z)
        assert f(2, 5) == 40
        assert f(2, y=4) == 38
        assert f(2, 5, 1) == 11
        assert f(2, z=0, y=3) == 6
        assert f.value["w"] == 8
        f(2, 5, w=100)
        assert f.value["w"] == 102
        with pytest.raises(TypeError, match=r"Missing required input: y"):
            f(1)
        with pytest.raises(TypeError, match="Unknown input or state: x"):
            f(x=1, y=2)
        with pytest.raises(TypeError):
            f(1, 2, 3, 4, 5)

    def test_a_pair_of_a_variable_and_its_value(self):
        x, y = T.dscalar("x"), T.dscalar("y")
        f = theano.function([x, (y, 8.0)], x - y)
        assert (f(1), f(1, 1), f(1, y=0)) == (-7, 0, 1)

    def test_a_variable_or_a_name_twice(self):
        x, y = T.dscalar("x"), T.dscalar("x")
        with pytest.raises(theano.compile.UnusedInputError):
            theano.function([x, T.dscalar("unused")], x)
        with pytest.raises(Exception, match=r"more than once|twice|duplicate"):
            theano.function([x, x], x)
        f = theano.function([x, y], x - y)  # by position they can be told apart
        assert f(3, 1) == 2
        with pytest.raises(TypeError, match="Ambiguous name"):
            f(3, x=1)

    def test_unused_inputs(self):
        x, y = T.dscalars("x", "y")
        assert theano.function([x, y], x, on_unused_input="ignore")(1, 2) == 1
        with pytest.warns(UserWarning, match="not part of the computational graph"):
            theano.function([x, y], x, on_unused_input="warn")
        with pytest.raises(theano.compile.UnusedInputError, match="not part of the computational"):
            theano.function([x, y], x, on_unused_input="raise")

    def test_a_missing_input(self):
        x, y = T.dscalars("x", "y")
        with pytest.raises(theano.gof.fg.MissingInputError):
            theano.function([x], x + y)

    def test_a_shared_variable_is_no_input(self):
        s = theano.shared(1.0)
        with pytest.raises(TypeError, match="shared variable"):
            theano.function([s], s + 1)

    def test_without_a_name_of_its_own(self):
        x, y = T.dscalars("x", "y")
        f = theano.function([x, In(y, value=1, autoname=False)], x + y)
        with pytest.raises(TypeError):
            f(1, y=2)


class TestOutputs:
    def test_none_one_list_and_dict(self):
        x = T.dmatrix()
        value = np.eye(2)
        assert theano.function([], None)() is None or theano.function([], None)() == []
        assert isinstance(theano.function([x], x + x)(value), np.ndarray)
        one = theano.function([x], [x + x])(value)
        assert isinstance(one, list)
        assert len(one) == 1
        two = theano.function([x], [x + x, Out((x + x).T, borrow=True)])(value)
        assert [t.tolist() for t in two] == [[[2, 0], [0, 2]]] * 2

    def test_a_dict_gives_a_dict(self, engine):
        x = T.dscalar()
        f = theano.function([x], {"twice": 2 * x, "square": x**2})
        assert {k: float(v) for k, v in f(3).items()} == {"twice": 6, "square": 9}
        if engine != "stock-python":  # whose loop computes all or nothing
            assert list(f(3, output_subset=["square"])) == ["square"]

    def test_an_output_that_is_an_input_or_a_constant(self):
        x = T.dscalar()
        assert theano.function([x], [x, T.constant(4.5)])(2) == [2, 4.5]

    def test_a_subset(self):
        x = T.dscalar()
        lazy = theano.Mode(VM_Linker(use_cloop=False, lazy=True))
        f = theano.function([x], [x + 1, x + 2, x + 3], mode=lazy)
        assert f(10, output_subset=[2]) == [13]
        assert f(10, output_subset=[0, 1]) == [11, 12]


class TestUpdatesAndGivens:
    def test_two_updates_of_one_variable(self):
        s = theano.shared(1.0)
        with pytest.raises(ValueError, match=r"updates|update"):
            theano.function([], updates=[(s, s + 1), (s, s + 2)])

    def test_an_update_of_another_type(self):
        s = theano.shared(np.zeros(2, "float32"))
        with pytest.raises(TypeError, match="update"):
            theano.function([], updates=[(s, T.zeros((2,), "float64"))])
        with pytest.raises(TypeError):
            theano.function([], updates=[(s, T.zeros((2, 2), "float32"))])

    def test_an_update_is_cast_up_to_the_variables_type(self):
        s = theano.shared(np.zeros(2, "float64"))
        theano.function([], updates=[(s, s + np.array([1, 2], "int8"))])()
        assert s.get_value().tolist() == [1, 2]

    def test_an_update_of_what_is_not_shared(self):
        x = T.dscalar()
        with pytest.raises(TypeError, match="SharedVariable"):
            theano.function([], updates=[(x, x + 1)])

    def test_givens_of_another_type(self):
        x, y = T.dvector(), T.dmatrix()
        with pytest.raises(TypeError):
            theano.function([y], x.sum(), givens={x: y})
        f = theano.function([y], x.sum(), givens={x: y}, rebuild_strict=False)
        assert f(np.ones((2, 3))) == 6

    def test_givens_are_seen_by_updates_too(self):
        s, x, y = theano.shared(0.0), T.dscalar("x"), T.dscalar("y")
        f = theano.function([y], x * 2, updates=[(s, s + x)], givens={x: y + 1})
        assert f(4) == 10
        assert s.get_value() == 5

    def test_givens_with_a_batch_of_shared_data(self):
        # What every program of the deep learning tutorials does.
        data = theano.shared(np.arange(3000.0).reshape(1000, 3))
        index, x = T.lscalar("index"), T.dmatrix("x")
        f = theano.function(
            [index], x.sum(axis=0), givens={x: data[index * 300 : (index + 1) * 300]}
        )
        value = np.arange(3000.0).reshape(1000, 3)
        for i in range(4):
            np.testing.assert_allclose(f(i), value[i * 300 : (i + 1) * 300].sum(axis=0))


class TestCasting:
    """Arguments are cast where nothing is lost; more on request."""

    def test_to_a_wider_type_silently(self):
        f = theano.function([x := T.dvector()], x)
        for dtype in "int8", "int32", "float32", "uint16":
            got = f(np.array([1, 2], dtype))
            assert got.dtype == "float64"
        assert f([1, 2]).tolist() == [1, 2]

    def test_not_to_a_narrower_one(self):
        f = theano.function([x := T.fvector("x")], x)
        with pytest.raises(TypeError, match="Bad input argument"):
            f(np.array([1.0, 2.0]))  # float64
        with pytest.raises(TypeError):
            theano.function([i := T.ivector("i")], i)(np.array([1, 2]))  # int64

    def test_unless_allowed(self):
        x = T.fvector("x")
        f = theano.function([x], x, allow_input_downcast=True)
        got = f(np.array([0.1, 1e300]))
        assert got.dtype == "float32"
        assert got[0] == np.float32(0.1)
        assert np.isinf(got[1])
        i = T.bvector("i")
        g = theano.function([i], i, allow_input_downcast=True)
        assert g(np.array([300, -129])).tolist() == [44, 127]  # wraps, as astype does
        h = theano.function([In(i, allow_downcast=True)], i)
        assert h(np.array([300, -129])).tolist() == [44, 127]

    def test_lists_and_numbers_may_lose_nothing(self):
        f = theano.function([b := T.bscalar("b")], b)
        assert f(100) == 100
        with pytest.raises(TypeError, match=r"lose|precision"):
            f(300)
        g = theano.function([v := T.bvector("v")], v)
        assert g([1, -128]).tolist() == [1, -128]
        with pytest.raises(TypeError):
            g([1, 128])

    def test_a_python_float_is_cast_to_floatX(self):
        assert theano.config.floatX == "float32"
        x = T.fscalar("x")
        got = theano.function([x], x)(0.1)
        assert (got.dtype, got) == ("float32", np.float32(0.1))
        with pytest.raises(TypeError):
            theano.function([x], x, allow_input_downcast=False)(0.1)

    def test_strict(self):
        f = theano.function([In(x := T.dvector("x"), strict=True)], x)
        assert f(np.ones(2)).tolist() == [1, 1]
        for wrong in [1.0, 1.0], np.ones(2, "float32"):
            with pytest.raises(TypeError):
                f(wrong)

    def test_the_number_of_dimensions_counts(self):
        f = theano.function([x := T.dmatrix("x")], x)
        with pytest.raises(TypeError, match=r"[Ww]rong number of dimensions"):
            f(np.ones(3))
        with pytest.raises(TypeError):
            theano.function([r := T.drow("r")], r)(np.ones((2, 3)))

    def test_memmaps_and_subclasses(self, tmp_path):
        f = theano.function([x := T.dvector("x")], x * 2)
        on_disk = np.memmap(tmp_path / "x", dtype="float64", mode="w+", shape=(4,))
        on_disk[:] = 3
        np.testing.assert_array_equal(f(on_disk), np.full(4, 6.0))

    def test_other_byte_orders_and_strides(self):
        f = theano.function([x := T.dmatrix("x")], x + 1)
        value = np.arange(24.0).reshape(4, 6)
        for view in value[::2, ::-3], value.T, np.asfortranarray(value):
            np.testing.assert_array_equal(f(view), view + 1)

    def test_trust_input_skips_the_checks(self):
        f = theano.function([x := T.dvector("x")], x.sum())
        f.trust_input = True
        assert f(np.ones(4)) == 4


def test_names_and_profiles():
    x = T.dscalar("x")
    f = theano.function([x], x + 1, name="increment")
    assert f.name == "increment"
    g = theano.function([x], x + 1, profile=True)
    g(1)
    assert g.profile.fct_callcount == 1


def test_dumped_functions_come_back(tmp_path):
    x, file = T.dscalar("x"), tmp_path / "dump"
    theano.function_dump(str(file), [x], x * 3)
    import pickle

    arguments = pickle.loads(file.read_bytes())
    again = theano.function(arguments.pop("inputs"), arguments.pop("outputs"))
    assert again(4) == 12
