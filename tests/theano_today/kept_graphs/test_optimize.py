import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import logging
import marshal
import pickle
import warnings

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers
from theano.compile.builders import OpFromGraph
from theano.compile.mode import OPT_FAST_RUN, Mode
from theano.gof import local_optimizer
from theano.ifelse import ifelse
from theano.tensor.shared_randomstreams import RandomStreams

from tests.fresh_python import fresh_python
from tests.kept_runs import Runs, printed
from theano_today.kept_graphs import files, optimize

F = "float32"


@pytest.fixture
def runs(monkeypatch, tmp_path):
    return Runs(monkeypatch, tmp_path)


def train(seed=0, scale=0.5):
    """Return a step of a small net, and its weights."""
    draw = np.random.RandomState(seed)
    x, t = T.matrix("x"), T.ivector("t")
    w = theano.shared(draw.randn(6, 5).astype(F), "w")
    v = theano.shared(draw.randn(5, 3).astype(F), "v")
    hidden = T.nnet.sigmoid(T.dot(x, w)) * scale
    loss = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(hidden, v)), t).mean()
    loss.name = "loss"
    updates = lasagne.updates.adam(loss, [w, v])
    return theano.function([x, t], [loss, hidden.sum(0)], updates=updates), (w, v)


def batch(seed=1):
    draw = np.random.RandomState(seed)
    return draw.randn(4, 6).astype(F), draw.randint(0, 3, 4).astype("int32")


def equal_steps(first, second, arguments, steps=3):
    """Check that two functions, with what they update, give the same bits."""
    for _ in range(steps):
        a, b = (f(*arguments) for f, _ in (first, second))
        for p, q in zip(*(x if isinstance(x, list) else [x] for x in (a, b)), strict=True):
            assert (p.dtype, p.shape, p.tobytes()) == (q.dtype, q.shape, q.tobytes())
        for p, q in zip(first[1], second[1], strict=True):
            assert p.get_value().tobytes() == q.get_value().tobytes()


# ---- what comes out ------------------------------------------------------------------------


def test_kept_graph_is_the_optimised_one(runs):
    first, second = runs.twice(train)
    assert printed(first[0]) == printed(second[0])
    equal_steps(first, second, batch())


def test_values_are_not_kept_with_the_graph(runs):
    train(0)
    assert runs.used == 0
    first = train(5)
    assert runs.used == 1
    equal_steps(first, train(5), batch())
    assert not np.array_equal(train(0)[1][0].get_value(), train(5)[1][0].get_value())


def test_off(runs, monkeypatch):
    monkeypatch.setattr(theano.config, "keep_graphs", False)
    train()
    train()
    assert not runs.keys


def scan_net():
    x, t = T.tensor3("x"), T.vector("t")
    last = layers.LSTMLayer(layers.InputLayer((None, 7, 3), x), 4)
    last = layers.DenseLayer(layers.SliceLayer(last, -1, 1), 1, nonlinearity=None)
    loss = lasagne.objectives.squared_error(layers.get_output(last).flatten(), t).mean()
    params = layers.get_all_params(last, trainable=True)
    return theano.function([x, t], loss, updates=lasagne.updates.adam(loss, params)), params


def conv_net():
    from theano.sandbox.rng_mrg import MRG_RandomStreams

    lasagne.random.set_rng(np.random.RandomState(3))
    x, t = T.tensor4("x"), T.ivector("t")
    last = layers.InputLayer((None, 2, 12, 12), x)
    last = layers.MaxPool2DLayer(layers.Conv2DLayer(last, 4, (3, 3)), (2, 2))
    last = layers.DropoutLayer(last)
    last._srng = MRG_RandomStreams(7)
    last = layers.DenseLayer(last, 3, nonlinearity=lasagne.nonlinearities.softmax)
    loss = lasagne.objectives.categorical_crossentropy(layers.get_output(last), t).mean()
    params = layers.get_all_params(last, trainable=True)
    updates = lasagne.updates.nesterov_momentum(loss, params, 0.01)
    return theano.function([x, t], loss, updates=updates), params


def lazy():
    x = T.vector("x")
    outputs = [ifelse(T.gt(x.sum(), 0), T.exp(x) * 2, T.tanh(x) + x), x[1:]]
    return theano.function([x], outputs[0] + outputs[1].sum()), []


def drawn():
    streams = RandomStreams(5)
    x = T.matrix("x")
    return theano.function([x], x * streams.normal(x.shape) + streams.uniform(x.shape)), []


def nested():
    x, y = T.vectors("x", "y")
    part = OpFromGraph([x, y], [T.exp(x) + y, x - y], inline=True)
    a, b = part(x * 2, y)
    return theano.function([x, y], a * b + part(y, x)[0]), []


def inner(x, y):
    return theano.scan(lambda a, s, y: T.tanh(a * s + y), [x], [T.zeros_like(y)], [y])[0]


def nested_scan():
    x, y = T.matrix("x"), T.vector("y")
    out = theano.scan(lambda r, y: inner(r, y)[-1].sum() + r, [x], non_sequences=[y])[0]
    return theano.function([x, y], T.grad(out.sum(), [x, y])), []


def numbers(*shape, seed=2):
    return np.random.RandomState(seed).randn(*shape).astype(F)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (scan_net, lambda: (numbers(2, 7, 3), numbers(2))),
        (conv_net, lambda: (numbers(2, 2, 12, 12), np.array([0, 2], "int32"))),
        (lazy, lambda: (numbers(4),)),
        (drawn, lambda: (numbers(3, 2),)),
        (nested, lambda: (numbers(3), numbers(3, seed=4))),
        (nested_scan, lambda: (numbers(4, 3), numbers(3))),
    ],
    ids=lambda f: getattr(f, "__name__", ""),
)
def test_graphs_of_every_kind(runs, make, arguments):
    def seeded():
        lasagne.random.set_rng(np.random.RandomState(1))
        return make()

    first, second = runs.twice(seeded)
    assert printed(first[0]) == printed(second[0])
    equal_steps(first, second, arguments())


def test_another_process_uses_it(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import theano_today, theano, hashlib, lasagne, sys\n"
        "import numpy as np\n"
        "from tests.kept_runs import printed\n"
        "from tests.theano_today.kept_graphs.test_optimize import train, batch\n"
        "from theano_today.kept_graphs import files, optimize\n"
        "optimize.SHORTEST = 0\n"
        "before = optimize.Before.put_in\n"
        "used = []\n"
        "def put_in(self, fgraph, kept, encoder):\n"
        "    before(self, fgraph, kept, encoder)\n"
        "    used.append(encoder is self.encoder)\n"
        "optimize.Before.put_in = put_in\n"
        "f, w = train()\n"
        "loss = [np.asarray(x).tobytes().hex() for _ in range(3) for x in f(*batch())]\n"
        "print(any(used))\n"
        "print(hashlib.sha256(printed(f).encode()).hexdigest(), loss, w[0].get_value().tobytes())\n"
    )
    flags = f"base_compiledir={tmp_path / 'compiled'},cxx=,device=cpu"
    said = []
    for seed in ("1", "2", "3"):
        done = fresh_python(program, THEANO_FLAGS=flags, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.splitlines())
    assert [lines[0] for lines in said] == ["False", "True", "True"]
    assert said[0][1] == said[1][1] == said[2][1]


# ---- what users do with functions ----------------------------------------------------------


def test_copies_pickles_and_givens(runs):
    def make():
        x = T.matrix("x")
        w = theano.shared(numbers(3, 2), "w")
        y = T.tanh(T.dot(x, w)).sum()
        return theano.function([x], y, updates=[(w, w - T.grad(y, w))]), [w]

    first, second = runs.twice(make)
    x = numbers(4, 3)
    for f, _ in (first, second):
        assert pickle.loads(pickle.dumps(f))(x) == copy.deepcopy(f)(x) == f.copy()(x)
    equal_steps(first, second, (x,))

    def given(w):
        v, u = T.matrix("v"), T.matrix("u")
        return theano.function([u], (T.exp(v) * w).sum(), givens={v: u * 2})

    w = theano.shared(numbers(4, 3), "w")
    a, b = runs.twice(lambda: given(w))
    assert a(x) == b(x)
    w.set_value(numbers(4, 3) * 2)
    assert a(x) == b(x)


def test_shapes_are_there_for_whoever_asks(runs):
    first, second = runs.twice(train)
    graphs = [f.maker.fgraph for f, _ in (first, second)]
    found = [g.shape_feature.shape_of[g.inputs[0]] for g in graphs]
    assert [str(n) for n in found[0]] == [str(n) for n in found[1]]
    assert hasattr(graphs[1], "shape_feature")
    with pytest.raises(AttributeError, match="no attribute 'shape_of'"):
        graphs[1].shape_of  # noqa: B018


def test_comparisons(runs):
    def make():
        x = T.vector("x")
        return theano.function([x], T.exp(x) * (x > 0) + T.switch(x < 1, x, 2 * x))

    first, second = runs.twice(make)
    assert printed(first) == printed(second)
    np.testing.assert_array_equal(first(numbers(9)), second(numbers(9)))


def test_names_that_an_optimisation_gives_to_inputs(runs):
    def make():
        x = T.vector()
        y = x * 1
        y.name = "y"
        return theano.function([x], T.exp(y) + T.sin(y))

    first, second = runs.twice(make)
    assert first.maker.fgraph.inputs[0].name == second.maker.fgraph.inputs[0].name == "y"


def test_lines_of_the_program_are_those_of_this_run(runs):
    def make(lines):
        names: dict = {"T": T, "theano": theano}
        code = "\n" * lines + "x = T.vector()\ny = T.exp(x[:3]) + T.dot(x[:2], x)\n"
        exec(compile(code, "program.py", "exec"), names)
        return theano.function([names["x"]], names["y"])

    make(3)
    f = make(10)
    assert runs.used == 1
    with pytest.raises(ValueError, match=r'(?s)program\.py", line 12') as error:
        f(numbers(5))
    assert "line 5," not in str(error.value)


def test_constants_of_the_program_are_not_written(runs):
    table = numbers(100, 100)

    def make(table):
        x = T.matrix("x")
        return theano.function([x], T.tanh(x * T.constant(table)) * 2)

    first, second = runs.twice(lambda: make(table))
    np.testing.assert_array_equal(first(table), second(table))
    (file,) = runs.folder.iterdir()
    assert file.stat().st_size < table.nbytes / 2
    other = table.copy()
    other[-1, -1] += 1
    make(other)
    assert runs.used == 1


# ---- what is not kept ----------------------------------------------------------------------


class Doubled(theano.Op):
    __props__ = ()

    def make_node(self, x):
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = 2 * inputs[0]


class MySigmoid(type(T.nnet.sigmoid.scalar_op)):
    pass


def formula():
    x = T.vector("x")
    return theano.function([x], T.nnet.sigmoid(T.exp(x) + 1))


def refused(runs, make, why):
    runs.refusals.clear()
    make()
    make()
    assert runs.kept == runs.used == 0
    assert why in runs.refusals[-1]


def test_users_op(runs):
    x = T.vector("x")
    refused(runs, lambda: theano.function([x], Doubled()(x) + 1), "Doubled")


def test_users_subclass_of_an_op(runs):
    x = T.vector("x")
    op = T.Elemwise(MySigmoid(theano.scalar.upgrade_to_float, name="mine"))
    refused(runs, lambda: theano.function([x], op(x) + 1), "MySigmoid")


def test_users_optimisation(runs):
    @local_optimizer([T.exp])
    def mine(node):
        return None

    mode = theano.compile.get_default_mode().register((theano.gof.opt.TopoOptimizer(mine), 49.5))
    x = T.vector("x")
    refused(runs, lambda: theano.function([x], T.exp(x) + 1, mode=mode), "mine")


def test_replaced_method(runs, monkeypatch):
    monkeypatch.setattr(T.blas.Gemm, "c_code", lambda self, *args: "")
    refused(runs, formula, "Gemm.c_code is replaced")


def test_replaced_method_of_an_instance(runs, monkeypatch):
    x = T.vector("x")
    op = T.Elemwise(theano.scalar.exp)
    op.perform = lambda *arguments: None
    refused(runs, lambda: theano.function([x], op(x) + 1), "the function")


def test_replaced_function(runs, monkeypatch):
    monkeypatch.setattr(T.opt, "scalarconsts_rest", lambda *args: ([], [], []))
    refused(runs, formula, "scalarconsts_rest is replaced")


def test_what_prints_while_it_is_optimised(runs):
    x = T.vector("x")
    y = theano.printing.Print("x")(T.constant(np.ones(3, F))) + x
    refused(runs, lambda: theano.function([x], y), "side effects")


def test_changed_files(runs, monkeypatch):
    from theano_today.kept_graphs import conditions

    monkeypatch.setattr(conditions, "_files", ())
    refused(runs, formula, "were changed")


def test_long_constants_of_its_own(runs, monkeypatch):
    monkeypatch.setattr(optimize, "MOST_CONSTANTS", 1000)
    x = T.vector("x")
    y = x + T.exp(T.constant(np.arange(1000, dtype=F)))
    refused(runs, lambda: theano.function([x], y), "large constants")


def test_test_values(runs, monkeypatch):
    monkeypatch.setattr(theano.config, "compute_test_value_opt", "ignore")
    formula()
    assert not runs.keys


def test_short_work_and_small_graphs(runs, monkeypatch):
    monkeypatch.setattr(optimize, "SHORTEST", 1000)
    formula()
    assert len(runs.keys) == 1
    assert not runs.kept
    monkeypatch.setattr(optimize, "FEWEST", 1000)
    formula()
    assert len(runs.keys) == 1
    looped(1)()  # whose inner graph may be large
    assert len(runs.keys) == 2


def test_whoever_wants_to_read_what_the_rewrites_say(runs, monkeypatch):
    monkeypatch.setattr(optimize.log, "isEnabledFor", lambda level: True, raising=False)
    formula()
    assert not runs.keys


# ---- warnings ------------------------------------------------------------------------------


def heard(function):
    with optimize._Listener() as listener:
        function()
    return listener.anything


def test_listener():
    before = list(warnings.filters)
    handlers = list(logging.getLogger("theano").handlers)

    def warn():
        warnings.warn("something", UserWarning, stacklevel=1)

    def quietly():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warn()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert heard(warn)
        assert heard(warn)  # also what was given before
        assert not heard(quietly)  # which nobody ever sees
        assert not heard(lambda: None)
    with pytest.warns(UserWarning, match="something"):
        assert heard(warn)
    assert heard(lambda: logging.getLogger("theano.tensor.opt").error("something"))
    assert not heard(lambda: logging.getLogger("theano.tensor.opt").info("something"))
    assert logging.getLogger("theano").handlers == handlers
    assert [f for f in warnings.filters if f not in before] == []


def test_graph_whose_optimisation_warned(runs, monkeypatch):
    apply = optimize.SeqOptimizer.apply
    monkeypatch.setattr(optimize.ours, "replaced", lambda: None)
    monkeypatch.setattr(optimize.ours.Code, "is_ours", lambda self, cls: True)

    def warns(self, fgraph):
        warnings.warn("it is slow", UserWarning, stacklevel=2)
        return apply(self, fgraph)

    monkeypatch.setattr(optimize.SeqOptimizer, "apply", warns)
    for _ in range(2):
        with pytest.warns(UserWarning, match="it is slow"):
            formula()
    assert runs.kept == runs.used == 0
    monkeypatch.setattr(optimize.SeqOptimizer, "apply", apply)
    runs.twice(formula)


# ---- keys ----------------------------------------------------------------------------------


def x_plus(constant, name="x", broadcast=(False,), dtype=F, mode=None, **options):
    x = T.TensorType(dtype, broadcast)(name)
    return lambda: theano.function([x], T.exp(x + constant), mode=mode, **options)


def summed(axis):
    x = T.matrix("x")
    return lambda: theano.function([x], T.exp(x).sum(axis))


def shared(value, update=True, borrow=False):
    w, v = theano.shared(value, "w"), theano.shared(np.float32(1), "v")
    outputs = theano.Out(T.exp(w) * v, borrow=borrow)
    return lambda: theano.function([], outputs, updates=[(w, w * v)] if update else [(v, v * 2)])


def mutable(is_mutable):
    x = T.vector("x")
    return lambda: theano.function([theano.In(x, mutable=is_mutable)], T.exp(x) + 1)


def looped(n, **options):
    x = T.vector("x")
    return lambda: theano.function(
        [x], theano.scan(lambda a, s: a * s + n, [x], [T.zeros(())], **options)[0][-1]
    )


def with_flag(make, **flags):
    def call():
        with theano.configparser.change_flags(**flags):
            return make()

    return call


def swapped(swap):
    w, v = theano.shared(numbers(3), "w"), theano.shared(numbers(3), "v")
    updates = [(w, w * 2), (v, v * 3)]
    return lambda: theano.function([], [], updates=updates[::-1] if swap else updates)


def pairs():
    up = np.nextafter(np.float32(0.3), np.float32(1), dtype=F)
    return {
        "a constant's last bit": (x_plus(np.float32(0.3)), x_plus(up)),
        "a constant's type": (x_plus(np.float32(2)), x_plus(np.int8(2))),
        "an input's name": (x_plus(1), x_plus(1, "y")),
        "an input's dtype": (x_plus(1), x_plus(1, dtype="float64")),
        "an input's axes": (x_plus(1), x_plus(1, broadcast=(True,))),
        "an Op's attribute": (summed(0), summed(1)),
        "an Op's attribute, none": (summed(0), summed(None)),
        "a shared value's shape": (shared(numbers(3)), shared(numbers(4))),
        "what is updated": (shared(numbers(3)), shared(numbers(3), update=False)),
        "an input that may be overwritten": (mutable(False), mutable(True)),
        "the order of updates": (swapped(False), swapped(True)),
        "an optimisation": (x_plus(1), x_plus(1, mode="FAST_COMPILE")),
        "an optimisation left out": (
            x_plus(1),
            x_plus(1, mode=Mode("cvm", OPT_FAST_RUN.excluding("fusion"))),
        ),
        "an option": (
            x_plus(1),
            with_flag(x_plus(1), warn_float64="ignore", on_unused_input="warn"),
        ),
        "the engine": (x_plus(1), with_flag(x_plus(1), engine="stock")),
        "a number in a loop": (looped(1), looped(2)),
        "an option of a loop": (looped(1), looped(1, go_backwards=True)),
    }


@pytest.mark.parametrize("what", list(pairs()))
def test_key_differs(runs, what):
    first, second = pairs()[what]
    for make in (first, first, second):
        make()
    a, again, b = runs.keys[:1] + runs.keys[len(runs.keys) // 3 :][:1] + runs.keys[-1:]
    assert a == again
    assert a != b


def test_number_in_a_module_of_the_engine(runs, monkeypatch):
    from theano_today.engine.scan import gradients

    formula()
    monkeypatch.setattr(gradients, "_MANY", gradients._MANY + 1)
    formula()
    assert len(set(runs.keys)) == 2


def test_same_graph_made_again_has_the_same_key(runs):
    for _ in range(2):
        train()
    assert len(set(runs.keys)) == 1


# ---- damage --------------------------------------------------------------------------------


def test_damaged_files(runs):
    first = train()
    (file,) = runs.folder.iterdir()
    contents = file.read_bytes()
    damaged = [
        b"",
        contents[:-1],
        contents[: len(contents) // 2],
        contents[:30] + bytes([contents[30] ^ 1]) + contents[31:],
        contents[:-9] + bytes([contents[-9] ^ 1]) + contents[-8:],
        contents.replace(b"graph 1", b"graph 0"),
    ]
    for n, other in enumerate(damaged, 2):
        file.write_bytes(other)
        found = train()
        assert (runs.used, runs.kept) == (0, n)
        assert file.read_bytes() == contents
    equal_steps(first, found, batch())


def test_contents_that_do_not_fit(runs):
    """As if two graphs had one key: what cannot be put together leaves the graph as it was."""
    made = []
    for n in range(8):
        made.append(train())
        assert (runs.used, runs.kept) == (0, n + 1)
        assert printed(made[n][0]) == printed(made[0][0])
        kept = files.read(runs.keys[0])
        records, _, _, places, _, _, clients, orders, shapes = kept
        wrong = [
            (),
            (records[: len(records) // 2], *kept[1:]),
            (records[5:], *kept[1:]),
            (*kept[:3], places[:-1], *kept[4:]),
            (*kept[:4], (10**6,), *kept[5:]),
            (*kept[:6], ((clients[0][0], clients[0][1][:1]), *clients[1:]), *kept[7:]),
            (*kept[:7], (orders[0][:-1], *orders[1:]), shapes),
        ]
        files.write(runs.keys[0], marshal.dumps(wrong[n % len(wrong)], 2))
    equal_steps(made[0], made[-1], batch())


def test_folder_that_cannot_be_written(runs, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "file" / "kept")
    (tmp_path / "file").write_text("no folder")
    first = train()
    assert runs.used == 0
    equal_steps(first, train(), batch())
