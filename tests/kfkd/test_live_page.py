"""The page of --live: what it says, and that it is one whole file that asks nobody."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from kfkd import live_page
from kfkd.snapshots import Snapshots
from kfkd.tutorial import NET2

FACES = np.random.RandomState(0).randint(0, 256, (16, 96, 96)).astype(np.uint8)
TRUTH = np.random.RandomState(1).uniform(-0.8, 0.8, (16, 30)).astype(np.float32)


def history(epochs, loss=lambda epoch: 0.1 / epoch):
    return [
        {"epoch": i, "train_loss": loss(i), "valid_loss": 2 * loss(i), "dur": 1.25}
        for i in range(1, epochs + 1)
    ]


def made(epochs, published=(), points=True, refresh=5.0, name="net2", **more):
    snapshots = Snapshots(FACES, TRUTH)
    if points:
        snapshots.add(epochs, TRUTH + np.float32(1 / 48))
    return live_page.page(
        name, history(epochs, **more), published, snapshots, live_page.sprite(FACES),
        epochs=1000, faces="kaggle", refresh=refresh,
    )  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "!doctype"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


@pytest.mark.parametrize("epochs", [0, 1, 2, 1000, 10_000])
@pytest.mark.parametrize("published", [(), NET2])
def test_whole_small_and_alone(epochs, published):
    text = made(epochs, published, points=epochs > 0)
    Tags(text)
    assert len(text) < 400_000
    assert "http:" not in text
    assert "https:" not in text
    assert "<script" not in text
    assert not re.search(r"\bnan\b|\binf\b", re.sub(r"base64,[^\"]*", "", text), re.IGNORECASE)


def test_what_it_says():
    text = made(10, NET2)
    assert "net2: training, epoch 10 of 1000" in text
    assert "training loss 0.010000, validation loss 0.020000: RMSE 6.79 pixels" in text
    assert "On Kaggle's faces" in text
    assert 'http-equiv="refresh" content="5"' in text
    ended = made(10, NET2, refresh=0)
    assert "net2: ended" in ended
    assert "refresh" not in ended


def test_pictures_have_texts():
    labels = [a["aria-label"] for t, a in Tags(made(3, NET2)).seen if a.get("role") == "img"]
    assert len(labels) == 2
    assert "RMSE 12.39" in labels[0]  # sqrt(0.2 / 3) * 48
    assert "16 faces" in labels[1]
    assert "1.0 to 1.0 pixels" in labels[1]


def test_curves_are_where_their_axes_say():
    text = made(1000)
    x = {value: float(place) for place, value in re.findall(
        r'<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">(1|10|100|1000)<', text)}  # fmt: skip
    line = re.search(r'<polyline class="train" points="([^"]*)"', text)[1]
    pairs = [tuple(map(float, pair.split(","))) for pair in line.split()]
    assert pairs[0][0] == pytest.approx(x["1"], abs=0.2)
    assert pairs[-1][0] == pytest.approx(x["1000"], abs=0.2)
    assert len(pairs) <= live_page.MOST
    # Loss 0.1 / epoch is a straight line where both axes are logarithmic.
    slopes = np.diff(pairs, axis=0)
    wide = slopes[slopes[:, 0] > 5]
    np.testing.assert_allclose(wide[:, 1] / wide[:, 0], wide[0, 1] / wide[0, 0], rtol=0.05)


def test_epochs_without_a_loss_are_left_out():
    text = made(4, loss=lambda epoch: np.nan if epoch == 2 else 0.1 / epoch)
    line = re.search(r'<polyline class="train" points="([^"]*)"', text)[1]
    assert len(line.split()) == 3


def test_names_are_escaped():
    assert "<b>" not in made(2, name="<b>net")
