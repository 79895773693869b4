"""The fuzzer of nets: that it finds what is wrong, and some of them."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest

from tests import fuzz_graphs, fuzz_nets
from tests.fuzz_nets import Layer, Net
from theano_today.engine.conv_pool import op


def test_some_nets():
    with fuzz_graphs.strictly():
        for seed in range(4):
            net = fuzz_nets.draw_net(seed, layers=4)
            assert net == fuzz_nets.draw_net(seed, layers=4)
            assert not fuzz_nets.failure(net), net


def test_a_fault_is_found_and_shortened(monkeypatch):
    forward = op.forward

    def wrong(*arguments):
        pairs = forward(*arguments)
        for p, _ in pairs:
            p += 0.01
        return pairs

    layers = Layer("nonlinear", (0,), 1), Layer("conv", (1,), 2), Layer("summed", (2,), 3)
    net = Net("float32", (2, 3, 9, 8), "turned", "noise", layers, "sgd", 4)
    with fuzz_graphs.strictly():
        assert not fuzz_nets.failure(net)
        monkeypatch.setattr(op, "forward", wrong)
        said = fuzz_nets.failure(net)
        assert said.startswith("engine: result")
        short = fuzz_nets.shortened(net, "engine")
    assert [layer.name for layer in short.layers] == ["conv"]
    assert (short.layout, short.rule) == ("plain", "")


@pytest.mark.long
def test_more_nets():
    with fuzz_graphs.strictly():
        _, said = fuzz_nets.rounds(range(1000, 1060))
    assert not said, said
