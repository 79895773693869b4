"""The table of all nets, and courses that are cut short."""

from types import SimpleNamespace

import pytest

from kfkd import ladder
from kfkd.tutorial import ENDS
from theano_today.training.handlers.schedules import AdjustVariable


def net(losses, seconds=1.0, faces="kaggle"):
    rows = [
        {"epoch": i, "train_loss": loss, "valid_loss": loss, "dur": seconds}
        for i, loss in enumerate(losses, 1)
    ]
    return SimpleNamespace(train_history_=rows, trained_on_=faces)


def of(name, *arguments, **more):
    return {name: {("all",): net(*arguments, **more)}}


class TestTable:
    def test_fits_80_columns(self):
        everything = {}
        for name in ENDS:
            everything |= of(name, [0.5] * 12_000, 123.456)
        everything["specialists"] = {("a", "b"): net([0.5] * 12_000), ("c",): net([0.25])}
        lines = ladder.table(everything)
        assert max(map(len, lines)) <= 80
        assert len(lines) == 3 + 9 + 2

    def test_at_the_tutorials_epoch_or_the_last(self):
        further = of("net1", [0.01] * 399 + [0.0036, 0.001], 0.1)
        lines = ladder.table(further | of("net2", [0.04, 0.0225], 2.0))
        assert lines[3].split() == [
            "net1", "400", "0.003255", "2.74", "400", "0.003600", "2.88", "0.10",
        ]  # fmt: skip
        assert lines[4].split()[4:] == ["2", "0.022500", "7.20", "2.00"]
        assert lines[-1].startswith("an epoch of net2 takes 20.0 times")

    def test_specialists_by_their_coordinates(self):
        specialists = {("a", "b", "c"): net([0.9, 0.01, 0.02]), ("d",): net([0.09])}
        line = ladder.table({"specialists": specialists})[3]
        assert line.split()[4:7] == ["4", "0.030000", "8.31"]

    def test_generated_faces_are_said(self):
        lines = ladder.table(of("net3", [0.1]) | of("net4", [0.1], faces="generated"))
        assert lines[-1] == "trained on generated faces, so not to be compared: net4"

    def test_none(self, tmp_path, capsys):
        assert ladder.table(of("net1", []))[0].startswith("no net here was trained")
        assert ladder.show(tmp_path) == 0
        assert capsys.readouterr().out.startswith("no net here was trained")


class TestShorten:
    def test_the_course_stays(self):
        adjust = AdjustVariable("rate", start=0.03, stop=0.0001)
        net = SimpleNamespace(max_epochs=3000, on_epoch_finished=[adjust, print])
        ladder.shorten(net, None)
        assert (net.max_epochs, adjust.epochs) == (3000, None)
        ladder.shorten(net, 1000)
        assert (net.max_epochs, adjust.epochs) == (1000, 3000)

    @pytest.mark.parametrize("epochs", [None, 3000])
    def test_the_rate_half_way(self, epochs):
        class Rate:
            dtype = "float32"

            def set_value(self, value):
                self.value = float(value)

        adjust = AdjustVariable("rate", start=3000.0, stop=1.0)
        adjust.epochs = epochs
        net = SimpleNamespace(max_epochs=3000 if epochs is None else 10, rate=Rate())
        adjust(net, [{"epoch": 1499}])
        assert net.rate.value == pytest.approx(1501)
