"""The extension module that scan takes its loop from."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T

from theano_today.compat.theano import scan_loop


def test_it_is_supplied_under_its_name():
    from theano.scan_module import scan_perform_ext

    assert scan_perform_ext.perform is scan_loop.perform
    # Theano compiles its own where this number is not the one that it wants.
    assert scan_perform_ext.get_version() == scan_perform_ext.version == 0.296


def test_a_loop_that_the_kernels_leave_runs_it(monkeypatch):
    """In the default mode; a step with an Op that engine/scan does not cover."""
    from theano.scan_module import scan_perform_ext

    called = []
    perform = scan_loop.perform
    monkeypatch.setattr(scan_perform_ext, "perform", lambda *a: called.append(a) or perform(*a))
    total, _ = theano.scan(
        lambda a, b: theano.printing.Print("", global_fn=lambda *a: None)(a + b),
        outputs_info=T.constant(1.0), sequences=T.arange(4.0),
    )  # fmt: skip
    assert theano.function([], total)().tolist() == [1, 2, 4, 7]
    assert len(called) == 1


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_truncated_gradients_of_batches(steps):
    """One product of all steps' factors, of which a truncated gradient has fewer than x."""
    x, w = T.tensor3("x"), T.matrix("w")
    h, _ = theano.scan(
        lambda x, h, w: T.nnet.relu(x + T.dot(h, w)),
        sequences=x, outputs_info=T.zeros((2, 3)), non_sequences=w, truncate_gradient=steps,
        mode="FAST_COMPILE",
    )  # fmt: skip
    gradients = T.grad(T.sqr(h).sum(), [x, w])
    random = np.random.RandomState(0)
    values = [random.normal(size=s).astype("float32") / 2 for s in ((6, 2, 3), (3, 3))]
    got = theano.function([x, w], gradients, mode=theano.Mode("py", "fast_run"))(*values)

    x, w = values
    states = [np.zeros((2, 3))]
    for x_t in x:
        states.append(np.maximum(x_t + states[-1] @ w, 0))
    want, back = [np.zeros(x.shape), np.zeros(w.shape)], np.zeros((2, 3))
    for t in reversed(range(6 - steps, 6)):
        want[0][t] = (2 * states[t + 1] + back) * (states[t + 1] > 0)
        back = want[0][t] @ w.T
        want[1] += states[t].T @ want[0][t]
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)
