"""net2's layers as a whole, on smaller images: the engine against stock Theano, and by itself."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import multiprocessing
import os
import pickle
import resource
import subprocess
import threading
from pathlib import Path

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers
from nolearn.lasagne import BatchIterator, NeuralNet

from net2 import net2
from tests.fresh_python import fresh_python, says
from tests.theano_graphs import count, engine, relative

SIZE = 36  # stages of 34, 17 -> 16, 8 -> 7, 3: odd sizes as well


def net(size=SIZE, units=50, rule=lasagne.updates.nesterov_momentum):
    """net2's layers and their training function: images, targets -> loss."""
    lasagne.random.set_rng(np.random.RandomState(1))
    x, y = T.tensor4("x"), T.matrix("y")
    last = layers.InputLayer((None, 1, size, size), x)
    for filters, taps in ((32, 3), (64, 2), (128, 2)):
        last = layers.MaxPool2DLayer(layers.Conv2DLayer(last, filters, (taps, taps)), (2, 2))
    for _ in range(2):
        last = layers.DenseLayer(last, units)
    last = layers.DenseLayer(last, 30, nonlinearity=None)
    loss = T.mean(T.sqr(layers.get_output(last) - y))
    params = layers.get_all_params(last)
    updates = rule(loss, params, theano.shared(np.float32(0.03)), theano.shared(np.float32(0.9)))
    function = theano.function([x, y], loss, updates=updates)
    function.state = list(updates)  # parameters and velocities
    return function, params, last


def batches(count, images=16, size=SIZE, seed=0):
    """Noise: no two outputs of a window are equal, so that rounding makes and breaks no ties."""
    random = np.random.RandomState(seed)
    return [
        (
            random.uniform(size=(images, 1, size, size)).astype(np.float32),
            random.uniform(-1, 1, size=(images, 30)).astype(np.float32),
        )
        for _ in range(count)
    ]


def trained(name="fused", many=3, **more):
    """Parameters before and after, and the losses."""
    images = more.pop("images", 16)
    with engine(name):
        function, params, _ = net(**more)
    before = [p.get_value() for p in params]
    losses = [function(*b) for b in batches(many, images, more.get("size", SIZE))]
    return before, [p.get_value() for p in params], losses, function


def assert_same_training(ours, theirs):
    """Parameters within 1e-3 of the update's size, each by its L2 norm; losses within 1e-3."""
    before, got, losses, function = ours
    start, want, expected, stock_function = theirs
    assert count(function, "ConvPool", "ConvPoolGrad") == 6
    assert count(function, "Momentum") == len(got)
    assert count(stock_function, "ConvPool", "ConvPoolGrad", "Momentum") == 0
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    for a, b, mine, other in zip(got, want, before, start, strict=True):
        np.testing.assert_array_equal(mine, other)
        assert np.linalg.norm(a - b) <= 1e-3 * np.linalg.norm(b - other)


def test_three_batches():
    assert_same_training(trained(), trained("stock"))


def test_the_size_of_the_tutorial():
    more = {"size": 96, "units": 500, "images": 3}
    assert_same_training(trained(**more), trained("stock", **more))


def test_plain_momentum():
    more = {"rule": lasagne.updates.momentum}
    assert_same_training(trained(**more), trained("stock", **more))


def test_the_same_seed_twice_is_the_same_to_the_last_bit():
    one, other = trained(), trained()
    assert one[2] == other[2]
    for a, b in zip(one[1], other[1], strict=True):
        assert a.tobytes() == b.tobytes()


def test_batches_of_other_sizes():
    """In one function; the result depends on nothing that came before."""
    with engine("fused"):
        (function, *_), (other, *_) = net(), net()
    for images in (16, 5, 1, 40, 3):
        (batch,) = batches(1, images, seed=images)
        function(*batch)
    for mine, theirs in zip(function.state, other.state, strict=True):
        theirs.set_value(mine.get_value())
    (batch,) = batches(1, 7)
    assert function(*batch) == other(*batch)
    for mine, theirs in zip(function.state, other.state, strict=True):
        assert mine.get_value().tobytes() == theirs.get_value().tobytes()


def test_two_nets_in_turns():
    alone = trained()
    with engine("fused"):
        one, params, _ = net()
        other, _, _ = net(size=20, units=9)
    for mine, theirs in zip(batches(3), batches(3, 9, 20), strict=True):
        other(*theirs)
        one(*mine)
        other(*theirs)
    for p, value in zip(params, alone[1], strict=True):
        assert p.get_value().tobytes() == value.tobytes()


def predictor(units=50):
    with engine("fused"):
        _, _, last = net(units=units)
        x = T.tensor4()
        return theano.function([x], layers.get_output(last, x, deterministic=True))


def test_images_in_other_strides():
    predict = predictor()
    ((images, _),) = batches(1)
    want = predict(images)
    for other in (
        np.asfortranarray(images), images[:, :, ::-1].copy()[:, :, ::-1],
        np.repeat(images, 2, 3)[..., ::2], np.ascontiguousarray(images.T).T,
    ):  # fmt: skip
        assert not other.flags.c_contiguous
        assert predict(other).tobytes() == want.tobytes()
    assert predict(images[::2]).tobytes() == predict(images[::2].copy()).tobytes()


def test_results_stay_when_the_next_are_computed():
    """Memory is used again, but not that of an array somebody still holds."""
    predict = predictor(units=2000)
    ((images, _),) = batches(1, 200)
    results = [predict(images[i:]) for i in range(5)]
    copies = [r.copy() for r in results]
    predict(images)
    for result, copied in zip(results, copies, strict=True):
        np.testing.assert_array_equal(result, copied)


def test_threads_of_python_at_once():
    """Each with a function of its own, since Theano's functions are not shared by threads."""
    predictors = [predictor() for _ in range(4)]
    inputs = [batches(1, 12, seed=i)[0][0] for i in range(4)]
    want = [p(x) for p, x in zip(predictors, inputs, strict=True)]
    unlike = []

    def work(i):
        for _ in range(25):
            if predictors[i](inputs[i]).tobytes() != want[i].tobytes():
                unlike.append(i)

    _run_at_once(work, 4)
    assert unlike == []


def test_training_in_threads_of_python_at_once():
    want = trained(many=8)
    with engine("fused"):
        nets = [net() for _ in range(3)]
    losses = {}

    def work(i):
        losses[i] = [nets[i][0](*b) for b in batches(8)]

    _run_at_once(work, 3)
    for i in range(3):
        assert losses[i] == want[2]
        for p, value in zip(nets[i][1], want[1], strict=True):
            assert p.get_value().tobytes() == value.tobytes()


def _run_at_once(work, many):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()


def _in_child(predict, images, queue):
    queue.put(predict(images))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forked_children():
    predict = predictor()
    ((images, _),) = batches(1)
    want = predict(images)  # the parent's threads are running
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=_in_child, args=(predict, images, queue)) for _ in range(3)]
    for child in children:
        child.start()
    for _ in children:
        assert queue.get(timeout=60).tobytes() == want.tobytes()
    for child in children:
        child.join(20)
        assert child.exitcode == 0
    assert predict(images).tobytes() == want.tobytes()  # and the parent is none the worse


def small(**more):
    arguments = {
        "layers": [
            ("input", layers.InputLayer),
            ("conv1", layers.Conv2DLayer), ("pool1", layers.MaxPool2DLayer),
            ("output", layers.DenseLayer),
        ],
        "input_shape": (None, 1, 12, 12), "conv1_num_filters": 9, "conv1_filter_size": (3, 3),
        "pool1_pool_size": (2, 2), "output_num_units": 30, "output_nonlinearity": None,
        "update_learning_rate": 0.01, "update_momentum": 0.9, "regression": True,
        "max_epochs": 2, "verbose": 0, "batch_iterator_train": BatchIterator(batch_size=8),
    }  # fmt: skip
    return NeuralNet(**(arguments | more))


def _fit(seed):
    lasagne.random.set_rng(np.random.RandomState(seed))
    ((images, targets),) = batches(1, 20, 12)
    fitted = small().fit(images, targets)
    return [row["train_loss"] for row in fitted.train_history_], fitted.predict(images)


@pytest.mark.parametrize(
    "backend", [pytest.param("multiprocessing", marks=pytest.mark.long), "loky", "threading"]
)
def test_joblib(backend):
    import joblib

    want = [_fit(seed) for seed in (1, 2)]
    jobs = 1 if backend == "threading" else 2  # Theano compiles in one thread at a time
    got = joblib.Parallel(jobs, backend=backend)(joblib.delayed(_fit)(seed) for seed in (1, 2))
    for (losses, output), (expected, wanted) in zip(got, want, strict=True):
        assert losses == expected
        assert output.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n, -1))])
def test_copies_of_a_trained_net(copied):
    np.random.seed(3)
    ((images, targets),) = batches(1, 20, 12)
    one = small().fit(images, targets)
    other = copied(one)
    assert other.predict(images).tobytes() == one.predict(images).tobytes()
    one.fit(images, targets)
    other.fit(images, targets)
    assert [r["train_loss"] for r in one.train_history_] == [
        r["train_loss"] for r in other.train_history_
    ]
    assert one.predict(images).tobytes() == other.predict(images).tobytes()


def test_pickles_do_not_depend_on_the_engine():
    """Made by the engine, read by stock Theano."""
    np.random.seed(3)
    ((images, targets),) = batches(1, 20, 12)
    one = small().fit(images, targets)
    data = pickle.dumps(one, -1)
    assert b"conv_pool" not in data
    with engine("stock"):
        other = pickle.loads(data)
        assert relative(other.predict(images), one.predict(images)) <= 1e-5


def test_net2_itself_is_fused():
    from sklearn.base import clone

    mine = clone(net2)
    mine.set_params(verbose=0)
    mine.initialize()
    assert count(mine.train_iter_, "ConvPool", "ConvPoolGrad") == 6
    assert count(mine.train_iter_, "Momentum") == 12
    for function in (mine.eval_iter_, mine.predict_iter_):
        assert count(function, "ConvPool") == 3


def test_memory_does_not_grow():
    with engine("fused"):
        function, _, _ = net()
    sizes = [batches(1, images, seed=images)[0] for images in (16, 7, 16, 11)]

    def work():
        for i in range(100):
            function(*sizes[i % 4])

    work()
    before = _resident()
    work()
    work()
    assert _resident() - before < 4 << 20


def _resident():
    """Bytes of this process' memory; its peak where /proc is not to be had."""
    try:
        with Path("/proc/self/statm").open() as f:
            return int(f.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


CODE = """
import theano_today, os
from tests.theano_today.engine import test_whole_net as t
before = len(os.listdir('/proc/self/task'))
_, after, losses, _ = t.trained()
print(len(os.listdir('/proc/self/task')) - before)
print([float(l).hex() for l in losses], sum(float(p.sum()) for p in after).hex())
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.long), 3])
def test_as_many_threads_as_asked_for(threads):
    outputs = [says(CODE, OMP_NUM_THREADS=threads, **_cache()).splitlines() for _ in range(2)]
    assert [o[0] for o in outputs] == [str(threads - 1)] * 2
    assert outputs[0][1] == outputs[1][1]  # to the last bit, in another process as well


def _cache():
    return {"THEANO_FLAGS": f"base_compiledir={theano.config.base_compiledir}"}


# A net like net2 from fit to predict, its kernels compiled by the wrapper below.
FIT = """
import theano_today, numpy as np
from lasagne import layers
from nolearn.lasagne import BatchIterator, NeuralNet
from pathlib import Path
from theano_today.engine import library
stages = [(f"{kind.lower()}{i}", getattr(layers, f"{kind}2DLayer"))
          for i in (1, 2, 3) for kind in ("Conv", "MaxPool")]
sizes = {f"conv{i}_{name}": value for i, filters, taps in ((1, 32, 3), (2, 64, 2), (3, 128, 2))
         for name, value in (("num_filters", filters), ("filter_size", (taps, taps)))}
net = NeuralNet(
    [("input", layers.InputLayer), *stages, ("hidden", layers.DenseLayer),
     ("output", layers.DenseLayer)],
    input_shape=(None, 1, 36, 36), hidden_num_units=50, output_num_units=30,
    output_nonlinearity=None, update_learning_rate=0.01, update_momentum=0.9, regression=True,
    max_epochs=2, verbose=0, batch_iterator_train=BatchIterator(16),
    **{f"maxpool{i}_pool_size": (2, 2) for i in (1, 2, 3)}, **sizes,
)
random = np.random.RandomState(0)
X = random.uniform(size=(50, 1, 36, 36)).astype(np.float32)
y = random.uniform(-1, 1, size=(50, 30)).astype(np.float32)
assert np.isfinite(net.fit(X, y).predict(X)).all()
ops = {type(node.op).__name__ for node in net.train_iter_.maker.fgraph.toposort()}
print({"ConvPoolChain", "ConvPoolGradChain", "Momentum"} <= ops)
print(b"__asan_report_store" in Path(library.kernels()._name).read_bytes())
"""


@pytest.mark.long
def test_a_fit_under_address_sanitizer(tmp_path):
    """Whatever Python hands over to the kernels: not a byte beside it is read or written."""
    compiler = theano.config.cxx.split()[0]
    libraries = [
        subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True)
        .stdout.strip()
        for name in ("libasan.so", "libubsan.so", "libstdc++.so")
    ]  # fmt: skip
    if not all(Path(path).is_absolute() for path in libraries):
        pytest.skip(f"{compiler} has no AddressSanitizer that can be loaded first")
    wrapper = tmp_path / "g++"  # Theano goes by the name
    flags = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *kernels-*) exec {compiler} "$@" {flags} ;; esac\n'
        f'exec {compiler} "$@"\n'
    )
    wrapper.chmod(0o755)
    done = fresh_python(
        "-c", FIT, LD_PRELOAD=" ".join(libraries), ASAN_OPTIONS="detect_leaks=0",
        THEANO_FLAGS=f"cxx={wrapper},base_compiledir={tmp_path}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "True"]
