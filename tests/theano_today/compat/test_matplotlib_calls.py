"""Arguments and names of matplotlib 1.4: what they draw is what today's draw."""

from __future__ import annotations

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano  # noqa: F401  (once it is there, matplotlib takes the old arguments)

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg", warn=False)

import matplotlib.pyplot as plt  # noqa: E402

X = np.array([1.0, 2.0, 2.0, 5.0])


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def drawn(draw):
    figure = plt.figure(figsize=(2, 2), dpi=40)
    draw()
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba()).copy()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda: plt.hist(X, normed=True), lambda: plt.hist(X, density=True)),
        (lambda: plt.gca().hist(X, 3, normed=1), lambda: plt.hist(X, 3, density=True)),
        (lambda: plt.hist(X, normed=False), lambda: plt.hist(X)),
        (lambda: plt.hist2d(X, X, 2, normed=True), lambda: plt.hist2d(X, X, 2, density=True)),
        (lambda: plt.plot(X, hold=True), lambda: plt.plot(X)),
        (lambda: plt.bar(left=X, height=X), lambda: plt.bar(X, X)),
        (lambda: plt.barh(bottom=X, width=X), lambda: plt.barh(X, X)),
        (lambda: plt.semilogx(X, X, basex=2), lambda: plt.semilogx(X, X, base=2)),
        (lambda: plt.gca().semilogy(X, basey=2), lambda: plt.semilogy(X, base=2)),
        (lambda: plt.yscale("log", nonposy="clip"), lambda: plt.yscale("log", nonpositive="clip")),
        (lambda: plt.scatter(X, X, faceted=False), lambda: plt.scatter(X, X)),
        (lambda: plt.subplot(4 / 2, 2, 1.0), lambda: plt.subplot(2, 2, 1)),
        (lambda: plt.gcf().add_subplot(2.0, 1.0, 2.0), lambda: plt.subplot(2, 1, 2)),
        (lambda: plt.gcf().gca(projection="3d"), lambda: plt.subplot(projection="3d")),
        (lambda: plt.gca(projection="polar"), lambda: plt.subplot(projection="polar")),
        (lambda: plt.imshow(np.eye(3), cmap=plt.cm.spectral),
         lambda: plt.imshow(np.eye(3), cmap="nipy_spectral")),
        (lambda: plt.imshow(np.eye(3), cmap="Vega10"), lambda: plt.imshow(np.eye(3), cmap="tab10")),
        (lambda: plt.legend(plt.plot(X), ["a"], 1), lambda: plt.legend(plt.plot(X), ["a"], loc=1)),
        (lambda: (plt.plot(X), plt.legend(["a"], "lower left")),
         lambda: (plt.plot(X), plt.legend(["a"], loc="lower left"))),
    ],
)  # fmt: skip
def test_drawn_as_today(old, new):
    np.testing.assert_array_equal(drawn(old), drawn(new))


def test_gca_keeps_axes_of_the_same_kind():
    figure = plt.figure()
    axes = figure.gca(projection="3d")
    assert figure.gca(projection="3d") is axes
    assert figure.gca() is axes


def test_settings():
    with matplotlib.rc_context():
        plt.rcParams["axes.color_cycle"] = ["r", "g"]
        assert plt.rcParams["axes.prop_cycle"].by_key() == {"color": ["r", "g"]}
        matplotlib.rc("axes", color_cycle=["b"])
        plt.rcParams.update({"axes.color_cycle": "c, m"})
        assert [line.get_color() for line in plt.plot(np.eye(2))] == ["c", "m"]
        with pytest.raises(KeyError):
            plt.rcParams["axes.nonsense"] = 1


def test_files(tmp_path):
    figure = plt.figure(figsize=(1, 1), facecolor="red")
    figure.savefig(tmp_path / "x.png", frameon=False)
    assert plt.imread(tmp_path / "x.png")[0, 0, 3] == 0
    figure.savefig(tmp_path / "x.png", frameon=True)
    assert plt.imread(tmp_path / "x.png")[0, 0].tolist() == [1, 0, 0, 1]


def test_names():
    line = plt.plot(X)[0]
    assert line.get_axes() is plt.gca()
    levels = plt.contour(np.eye(3))
    assert levels.collections == [levels]
    plt.gcf().canvas.set_window_title("x")
    plt.style.use("seaborn-white")
    from matplotlib import mlab

    np.testing.assert_allclose(mlab.normpdf(1.0, 0, 2), 0.1760326633821498)  # SciPy's norm.pdf
    np.testing.assert_allclose(
        mlab.bivariate_normal(0.0, 0.0, 1, 2, 1, 1, 0.5), 0.04821484490638157
    )
    assert mlab.find([False, True, True]).tolist() == [1, 2]
    np.testing.assert_allclose(mlab.frange(0, 0.3, 0.1), [0, 0.1, 0.2, 0.3])
    with pytest.raises(ImportError, match="mplfinance"):
        import matplotlib.finance  # noqa: F401


def test_what_matplotlib_refuses_otherwise_is_refused():
    with pytest.raises(AttributeError, match="nonsense"):
        plt.plot(X, nonsense=1)
    with pytest.raises(ValueError, match="positive"):
        plt.subplot(0.5, 1, 1)
