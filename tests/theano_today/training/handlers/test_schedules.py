"""Learning rates that change while a net trains."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano

from tests.tiny_nets import X, Y, tiny
from theano_today.errors import DataError
from theano_today.training.handlers.schedules import AdjustVariable, ReduceOnPlateau

RATE = "update_learning_rate"


def rates(*handlers, epochs, start=0.03, losses=()):
    """The rate that each epoch ran with."""
    rate, seen, losses = theano.shared(np.float32(start)), [], list(losses)

    def note(nn, train_history):
        seen.append(float(rate.get_value()))
        if losses:
            train_history[-1]["valid_loss"] = losses[len(seen) - 1]

    tiny(update_learning_rate=rate, max_epochs=epochs, on_epoch_finished=[note, *handlers]).fit(
        X, Y
    )
    assert rate.get_value().dtype == np.float32
    return seen


class TestAdjustVariable:
    def test_linear_as_in_the_tutorial(self):
        expected = np.linspace(0.03, 0.0001, 5)  # the tutorial's own formula
        found = rates(AdjustVariable(RATE, 0.03, 0.0001), epochs=5)
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_cosine(self):
        found = rates(AdjustVariable(RATE, 0.03, 0.01, how="cosine"), epochs=5)
        half = np.sqrt(0.5)
        expected = [0.03, 0.02 + 0.01 * half, 0.02, 0.02 - 0.01 * half, 0.01]
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_step(self):
        found = rates(AdjustVariable(RATE, 0.1, 0.001, how="step", steps=3), epochs=6, start=0.1)
        np.testing.assert_allclose(found, [0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-6)

    @pytest.mark.parametrize("how", ["linear", "cosine", "step"])
    @pytest.mark.parametrize("epochs", [1, 2, 7, 1000])
    def test_ends(self, how, epochs):
        adjust = AdjustVariable(RATE, 0.5, 0.25, how=how)
        assert adjust.value(1, epochs) == 0.5
        if epochs > 2:
            assert adjust.value(epochs, epochs) == pytest.approx(0.25)
            assert adjust.value(epochs + 1, epochs) == pytest.approx(0.25)
        course = [adjust.value(epoch, epochs) for epoch in range(1, epochs + 1)]
        assert course == sorted(course, reverse=True)

    def test_bad_arguments(self):
        with pytest.raises(DataError, match="how is 'fast', expected 'linear', 'cosine' or 'step'"):
            AdjustVariable(RATE, how="fast")
        with pytest.raises(DataError, match="numbers above 0"):
            AdjustVariable(RATE, 0.1, 0, how="step")

    def test_a_plain_number(self):
        net = tiny(on_epoch_finished=[AdjustVariable(RATE)])
        with pytest.raises(
            DataError, match=r"update_learning_rate is 0.05, .*theano.shared\(numpy.float32\(0.05\)"
        ):
            net.fit(X, Y)


class TestReduceOnPlateau:
    def test_after_so_many_epochs_without_a_better_one(self):
        losses = [5, 4, 4, 4, 3, 3, 3, 3, 3]
        found = rates(ReduceOnPlateau(factor=0.5, patience=2), epochs=9, start=0.8, losses=losses)
        np.testing.assert_allclose(found, [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2])

    def test_no_lower_than(self):
        handler = ReduceOnPlateau(factor=0.5, patience=1, least=0.3)
        found = rates(handler, epochs=4, start=0.8, losses=[1, 1, 1, 1])
        np.testing.assert_allclose(found, [0.8, 0.8, 0.4, 0.3])

    def test_bad_factor(self):
        with pytest.raises(DataError, match="factor is 2, expected a number between 0 and 1"):
            ReduceOnPlateau(factor=2)
