"""theano.scan on the device, compared with Theano's own loop."""

from tests.theano_today.torch_link.compare import TORCH, agree  # isort: skip  (skips)

from collections import OrderedDict

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers
from theano.compile import mode as theano_mode
from theano.compile.mode import Mode
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams

from tests.theano_today.torch_link.compare import assert_on_device, refused
from tests.theano_today.torch_link.fake_cuda import MODE as CUDA
from tests.theano_today.torch_link.fake_cuda import FakeCuda, assert_replayed
from theano_today.torch_link.lowering import Kind

RS = np.random.RandomState(0)
A = RS.uniform(-1, 1, (6, 3)).astype(np.float32)
W = RS.uniform(-1, 1, (3, 3)).astype(np.float32)
# NumPy's, since each Op in C would be a module; and all steps are kept.
STOCK = Mode(theano.gof.vm.VM_Linker(use_cloop=False, c_thunks=False), "fast_compile")


@pytest.fixture(autouse=True)
def loops_of_stock_theano(monkeypatch):
    monkeypatch.setattr(theano_mode, "instantiated_default_mode", STOCK)
    monkeypatch.setattr(theano.config, "cxx", "")  # for constants: half of the time otherwise


def same(inputs, outputs, *values, rtol=1e-5, atol=1e-6, **options):
    return agree(inputs, outputs, *values, rtol=rtol, atol=atol, stock=STOCK, **options)


def scan_steps(function):
    return [s for s in function.fn.lowered.steps if type(s.node.op).__name__ == "Scan"]


class TestLoops:
    def test_kinds_of_outputs(self):
        """One value, several before it, none; vectors, numbers, whole numbers; the last alone."""
        x, w = T.matrix(), T.matrix()

        def step(row, total, before, last, count, weights):
            fibonacci = before + last * 0.5
            return [total + row, fibonacci, count + 1, T.dot(row, weights), row.sum()]

        found, _ = theano.scan(
            step,
            x,
            [T.zeros((3,)), {"initial": x[:3, 0], "taps": [-3, -1]}, T.constant(0, dtype="int64"),
             None, None],
            non_sequences=w,
        )  # fmt: skip
        same([x, w], [*found, found[0][-1], found[1][-2:], found[3][-1], found[4][:-1]], A, W)

    def test_taps_of_sequences_and_states(self):
        x = T.matrix()

        def step(now, before, after, old, older):
            return now * after - before + old * older

        found, _ = theano.scan(
            step,
            {"input": x, "taps": [0, -1, 2]},
            {"initial": x[:4] * 2, "taps": [-1, -4]},
        )
        same([x], [found, found[-1], theano.grad((found**2).sum(), x)], A)

    def test_number_of_steps_as_an_argument(self):
        n, x = T.iscalar(), T.vector()
        found, _ = theano.scan(lambda s: T.tanh(s) + 0.5, outputs_info=x, n_steps=n)
        outputs = [found, found[-1], theano.grad(found[-1].sum(), x)]
        same([n, x], outputs, np.int32(5), A[0])
        stock, linked = (theano.function([n, x], outputs, mode=mode) for mode in (STOCK, TORCH))
        for steps in (1, 2, 5, 1, 2, 1, 2):
            for ours, theirs in zip(linked(steps, A[0]), stock(steps, A[0]), strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-6)
        assert len(linked.fn.recordings) == 2

    def test_number_of_steps_on_the_device(self):
        x = T.vector()
        n = theano.shared(np.int64(3))
        found, _ = theano.scan(lambda s: s * 2, outputs_info=x, n_steps=n)
        same([x], [found], A[0], on_device=False)

    def test_backwards(self):
        x = T.matrix()
        found, _ = theano.scan(lambda row, s: s * 0.5 + row, x, T.zeros((3,)), go_backwards=True)
        same([x], [found, found[::-1], theano.grad(found[-1].sum(), x)], A)

    @pytest.mark.parametrize("backwards", [False, pytest.param(True, marks=pytest.mark.long)])
    def test_positions_are_known(self, backwards):
        """The indices of a loop over T.arange never leave the host."""
        x = T.matrix()
        found, _ = theano.scan(
            lambda i, s, x: T.cast(s + x[i] * i + x[: i + 1].sum(0) + x[:i].shape[0], "float32"),
            T.arange(x.shape[0]),
            T.zeros((3,)),
            x,
            go_backwards=backwards,
        )
        doubled, _ = theano.scan(lambda i, j: x[i] - x[j], [2 * T.arange(3), T.arange(1, 7)[::2]])
        same([x], [found, doubled, theano.grad(found[-1].sum(), x)], A)

    def test_positions_that_only_the_device_knows(self):
        x, i = T.matrix(), T.lvector()
        found, _ = theano.scan(lambda i, s: s + x[i], i, T.zeros((3,)))
        same([x, i], [found], A, np.array([2, 0, 5]), on_device=False)

    def test_map_reduce_foldr(self):
        x = T.matrix()
        outputs = [
            theano.map(lambda row: row / T.sqrt(T.sqr(row).sum()), x)[0],
            theano.reduce(lambda row, s: s + row, x, T.zeros((3,)))[0],
            theano.foldl(lambda row, s: s * 0.5 + row, x, T.zeros((3,)))[0],
            theano.foldr(lambda row, s: s * 0.5 + row, x, T.zeros((3,)))[0],
        ]
        same([x], outputs, A)

    def test_nested(self):
        x = T.matrix()

        def outer(row, total):
            partial, _ = theano.scan(lambda e, s: T.tanh(s + e), row, total)
            return partial[-1]

        found, _ = theano.scan(outer, x, T.constant(0, dtype="float32"))
        same([x], [found, theano.grad(found.sum(), x)], A)

    def test_a_state_that_the_step_stretches(self):
        """NumPy's assignment stretches dimensions of size 1, where the types allow."""
        x, s = T.matrix(), T.matrix()
        found, _ = theano.scan(lambda row, s: s[:1] * 0.5 + row.sum(), x, s)
        same([x, s], [found], A, A[:2])

    def test_what_belongs_to_the_host_in_the_loop(self, caplog):
        x = T.matrix()
        found, _ = theano.scan(lambda row, s: T.sort(row + s), x, T.zeros((3,)))
        same([x], [found], A, on_device=False)
        function = theano.function([x], found, mode=TORCH)
        (loop,) = scan_steps(function)
        kinds = [step.kind for step in loop.function.inner.steps]
        assert kinds.count(Kind.DEVICE) == 1, "the sum is the device's"
        assert "Scan" not in caplog.text

    def test_nothing_but_what_belongs_to_the_host(self):
        x = T.matrix()
        found, _ = theano.scan(lambda row: T.sort(row), x)
        same([x], [found], A, on_device=False)

    def test_dtypes_that_torch_lacks(self):
        z = T.zvector()
        found, _ = theano.scan(lambda z, s: s + z * z, z, T.constant(0, dtype="complex128"))
        same([z], [found], np.array([1 + 2j, 3j]), on_device=False)
        u = T.TensorType("uint64", (False,))()
        found, _ = theano.scan(lambda u, s: s + T.cast(u * u, "float32"), u,
                               T.constant(0, dtype="float32"))  # fmt: skip
        same([u], [found], np.arange(5, dtype="uint64"), on_device=False)

    def test_numbers_known_on_the_host_are_states_as_well(self):
        x = T.matrix()
        found, _ = theano.scan(
            lambda row, size: [x.shape[1] + T.cast(row[0] > 0, "int64"), x.shape[0]],
            x,
            [x.shape[0], None],
        )
        same([x], found, A)


class TestUntil:
    def outputs(self, x, limit):
        def step(row, total, older, old):
            new = total + row
            return [new, older + old * 0.5, row * 2], theano.scan_module.until(new.sum() > limit)

        found, _ = theano.scan(
            step, x, [T.zeros((3,)), {"initial": x[:2, 0], "taps": [-2, -1]}, None]
        )
        return found

    @pytest.mark.parametrize("limit", [2, 9, 1000])
    def test_all_and_the_last(self, limit):
        x, level = T.matrix(), T.scalar()
        found = self.outputs(x, level)
        same([x, level], [*found, found[0][-1], found[1][-1]], abs(A), np.float32(limit),
             on_device=False)  # fmt: skip

    def test_gradient(self):
        x = T.matrix()
        found = self.outputs(x, 3)
        same([x], [theano.grad(found[0].sum() + found[2].sum(), x)], abs(A), on_device=False)

    def test_while_without_sequences(self):
        x = T.scalar()
        found, _ = theano.scan(
            lambda s: (s * 2, theano.scan_module.until(s > 50)), outputs_info=x, n_steps=1000
        )
        same([x], [found, found[-1], found.shape[0]], np.float32(1.5), on_device=False)


class TestGradients:
    def outputs(self, x, h, w, **options):
        def step(row, h, w):
            new = T.tanh(row + T.dot(h, w))
            return [new, T.sqr(new).sum()]

        (states, costs), _ = theano.scan(step, x, [h, None], w, **options)
        return states, costs

    def test_of_sequences_states_and_weights(self):
        x, h, w = T.matrix(), T.vector(), T.matrix()
        states, costs = self.outputs(x, h, w)
        cost = states[-1].sum() + (states**2).mean() + costs.sum()
        same([x, h, w], [states, cost, *theano.grad(cost, [x, h, w])], A, W[0], W)

    @pytest.mark.parametrize(
        "truncated", [2, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 4, 50))]
    )
    def test_truncated(self, truncated):
        x, h, w = T.matrix(), T.vector(), T.matrix()
        states, _ = self.outputs(x, h, w, truncate_gradient=truncated)
        cost = states[-1].sum() + (states**2).mean()
        same([x, h, w], theano.grad(cost, [x, h, w], disconnected_inputs="ignore"), A, W[0], W)

    @pytest.mark.long
    def test_of_a_gradient(self):
        x, h, w = T.matrix(), T.vector(), T.matrix()
        states, _ = self.outputs(x, h, w)
        first = theano.grad(states[-1].sum(), w)
        same([x, h, w], [theano.grad(T.sqr(first).sum(), w)], A, W[0], W, rtol=1e-4)

    def test_forward(self):
        x, h, w, v = T.matrix(), T.vector(), T.matrix(), T.matrix()
        states, _ = self.outputs(x, h, w)
        same([x, h, w, v], [T.Rop(states, w, v)], A, W[0], W, W.T.copy())

    def test_jacobian_and_hessian(self):
        x = T.vector()
        y = T.tanh(x * x[0])
        outputs = [theano.gradient.jacobian(y, x), theano.gradient.hessian(y.sum(), x)]
        same([x], outputs, A[0])


class TestShared:
    def test_an_update_in_the_loop(self):
        x, w = T.matrix(), theano.shared(W)
        count = theano.shared(np.int64(0))

        def step(row):
            return T.dot(row, w), OrderedDict([(w, w * 0.5 + row), (count, count + 2)])

        results = []
        for mode in (STOCK, TORCH):
            w.set_value(W)
            count.set_value(0)
            found, updates = theano.scan(step, x)
            f = theano.function([x], found, updates=updates, mode=mode)
            results.append([(f(A), w.get_value(), count.get_value()) for _ in range(4)])
        assert_on_device(f)
        for theirs, ours in zip(*results, strict=True):
            for a, b in zip(theirs, ours, strict=True):
                np.testing.assert_allclose(b, a, rtol=1e-5)

    @pytest.mark.parametrize("streams", [MRG_RandomStreams, RandomStreams])
    def test_random_numbers(self, streams):
        x = T.matrix()
        results = []
        for mode in (STOCK, TORCH):
            random = streams(7)
            found, updates = theano.scan(
                lambda row, s, r=random: s * 0.5 + row * r.uniform((3,)), x, T.zeros((3,))
            )
            outputs = [found]
            if streams is MRG_RandomStreams:  # Theano has no gradient through the others
                outputs.append(theano.grad(found.sum(), x))
            f = theano.function([x], outputs, updates=updates, mode=mode)
            results.append([f(A) for _ in range(4)])
        if streams is MRG_RandomStreams:
            assert_on_device(f)
        for theirs, ours in zip(*results, strict=True):
            for a, b in zip(theirs, ours, strict=True):
                np.testing.assert_allclose(b, a, rtol=1e-6)


class TestErrors:
    @pytest.mark.parametrize("steps", [0, -1, 9])
    def test_steps_that_cannot_be_run(self, steps):
        n, x = T.iscalar(), T.matrix()
        found, _ = theano.scan(lambda row, s: s + row, x, T.zeros((3,)), n_steps=n)
        theirs, ours = refused([n, x], found, np.int32(steps), A)
        assert type(ours) is type(theirs)
        assert str(ours).splitlines()[0] == str(theirs).splitlines()[0]

    def test_both_nodes_are_named(self):
        x, w = T.matrix(), T.matrix("w")
        found, _ = theano.scan(lambda row, s, w: T.dot(s * row, w), x, T.zeros((3,)), w)
        for error in refused([x, w], found, A, W[:2]):
            assert type(error) is ValueError
            assert str(error).count("Apply node that caused the error") == 2

    def test_an_output_that_changes_its_shape(self):
        x = T.matrix()
        found, _ = theano.scan(lambda i: x[:i].sum(1), T.arange(1, 4))
        for error in refused([x], found, A):
            assert type(error) is ValueError
            assert "An output of the scan has changed shape" in str(error)

    def test_an_index_out_of_range_in_the_loop(self):
        x, i = T.matrix(), T.lmatrix()
        found, _ = theano.scan(lambda i, s: s + x[i].sum(0), i, T.zeros((3,)))
        same([x, i], [found], A, np.array([[0, 1], [5, 2]]))
        for error in refused([x, i], found, A, np.array([[0, 1], [6, 2]])):
            assert type(error) is IndexError

    def test_a_mode_that_watches_each_value(self):
        from theano.compile.nanguardmode import NanGuardMode

        x = T.matrix()
        watching = NanGuardMode(nan_is_error=True, inf_is_error=False, big_is_error=False)
        found, _ = theano.scan(lambda row, s: s + T.log(row), x, T.zeros((3,)), mode=watching)
        function = theano.function([x], found, mode=TORCH)
        function(abs(A))
        with pytest.raises(AssertionError, match="NaN"):
            function(A)

    def test_a_mode_of_ones_own(self):
        x = T.matrix()
        found, _ = theano.scan(
            lambda row, s: s + T.tanh(row), x, T.zeros((3,)), mode="FAST_COMPILE"
        )
        same([x], [found], A)


# -- recurrent layers ---------------------------------------------------------------------------

BATCH, TIME, FEATURES, UNITS = 4, 5, 3, 6
SEQUENCES = RS.uniform(-1, 1, (BATCH, TIME, FEATURES)).astype(np.float32)
MASK = (np.arange(TIME) < np.array([5, 3, 1, 4])[:, None]).astype(np.float32)
TARGETS = RS.uniform(-1, 1, (BATCH, 2)).astype(np.float32)


def training(layer, mode, masked=False, **options):
    """A training step of a recurrent layer and a dense one, and their parameters."""
    lasagne.random.set_rng(np.random.RandomState(1))
    x, mask, y = T.tensor3(), T.matrix(), T.matrix()
    net = layers.InputLayer((None, None, FEATURES), x)
    given = layers.InputLayer((None, None), mask) if masked else None
    net = layers.SliceLayer(layer(net, UNITS, mask_input=given, **options), -1, 1)
    net = layers.DenseLayer(net, 2, nonlinearity=None)
    loss = lasagne.objectives.squared_error(layers.get_output(net), y).mean()
    params = layers.get_all_params(net, trainable=True)
    grads = lasagne.updates.total_norm_constraint(theano.grad(loss, params), 5)
    updates = lasagne.updates.nesterov_momentum(grads, params, 0.1, 0.9)
    step = theano.function([x, mask, y], loss, updates=updates, mode=mode,
                           on_unused_input="ignore")  # fmt: skip
    return step, params


def trained(layer, mode, **options):
    step, params = training(layer, mode, **options)
    losses = [float(step(SEQUENCES, MASK, TARGETS)) for _ in range(4)]
    losses.append(float(step(SEQUENCES[:3, :4], MASK[:3, :4], TARGETS[:3])))
    losses += [float(step(SEQUENCES, MASK, TARGETS)) for _ in range(2)]
    return step, losses, [p.get_value() for p in params]


LAYERS = [layers.RecurrentLayer, layers.LSTMLayer, layers.GRULayer]
VARIANTS = [
    {"masked": True, "learn_init": True},
    {"backwards": True, "grad_clipping": 0.5},
    {"precompute_input": False, "gradient_steps": 3},
]


def check_training(layer, options):
    _, expected, their_params = trained(layer, STOCK, **options)
    step, losses, params = trained(layer, TORCH, **options)
    assert_on_device(step)
    assert len(step.fn.recordings) == 1
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    assert losses[-1] < losses[0]
    for ours, theirs in zip(params, their_params, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def check_capture(layer, options):
    step, _ = training(layer, CUDA, **options)
    with FakeCuda() as cuda:
        for _ in range(4):
            step(SEQUENCES, MASK, TARGETS)
        assert_replayed(step.fn, cuda)


class TestLasagne:
    def test_trains_as_on_the_cpu(self):
        check_training(layers.LSTMLayer, VARIANTS[0])

    def test_a_training_step_is_one_cuda_graph(self):
        check_capture(layers.LSTMLayer, VARIANTS[0])

    @pytest.mark.long
    @pytest.mark.parametrize("options", VARIANTS)
    @pytest.mark.parametrize("layer", LAYERS)
    def test_all(self, layer, options):
        check_training(layer, options)
        check_capture(layer, options)
