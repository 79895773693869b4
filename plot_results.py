"""Draw what a trained net has learned, as pictures for a slide.

    python plot_results.py                     # net2.pickle -> plots/*.png
    python plot_results.py net1.pickle --out plots_net1
    python plot_results.py net2.pickle net4.pickle  # curves in one picture, a table of errors
    python plot_results.py --gif               # also face.gif, after net2.py --live

Where there is a display, the pictures are also shown; `--no-show` turns that off.
Opening a pickle runs whatever code it holds: use only pickles that you trust.
"""

import theano_today  # isort: skip  # noqa: F401  (first: it makes the packages of 2015 importable)

import sys
from contextlib import suppress
from itertools import chain

import numpy as np
from matplotlib import pyplot

from kfkd import comparing, drawing
from kfkd.drawing import (
    BLUE,
    ORANGE,
    plot_keypoint_errors,
    plot_sample,
    plot_worst_and_best,
)
from kfkd.files import source
from kfkd.keypoints import COLUMNS
from kfkd.moving import write_gif
from kfkd.nets import load_nets, predict
from kfkd.options import plot_options
from kfkd.output import quiet
from kfkd.tutorial import points
from load import load2d
from theano_today.errors import DataError, MissingFileError

WHOSE = {"kaggle": "Kaggle's faces", "generated": "generated faces"}


def plot_learning_curves(history, title, beside=None):
    """Draw the loss of every epoch, and the RMSE in pixels that it means.

    `beside` names one of the tutorial's nets, whose losses are drawn, too. The epochs have a
    logarithmic axis: it keeps apart those of net2, the epochs 1 to 5, 500 and 1000.
    """
    fig, axis = pyplot.subplots(figsize=(9, 6), layout="constrained")
    epochs = [row["epoch"] for row in history]
    dots = "." if len(epochs) <= 20 else ""  # a single epoch makes no line
    for name, color in [("train", BLUE), ("valid", ORANGE)]:
        loss = np.array([row[f"{name}_loss"] for row in history], dtype=float)
        axis.plot(epochs, loss, linewidth=2.5, color=color, marker=dots, markersize=12, label=name)
    if beside:
        x, train, valid = zip(*points(beside), strict=True)
        whose = f"tutorial's {beside}"
        axis.plot(x, train, "o", color=BLUE, markersize=13, label=f"train, {whose}", mfc="white")
        axis.plot(x, valid, "s", color=ORANGE, markersize=7, label=f"valid, {whose}", mfc="white")
    axis.set(title=title, xscale="log", yscale="log")
    axis.set(xlabel="epoch", ylabel="loss (mean squared error)")
    axis.grid()
    axis.legend()
    drawing.label_losses(axis)
    return fig


def plot_faces(X, y, title):
    """Draw the first 16 faces and their keypoints, as the tutorial did."""
    fig = pyplot.figure(figsize=(8, 8.6))
    fig.suptitle(title)
    fig.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.93, hspace=0.05, wspace=0.05)
    for i in range(min(16, len(X))):
        plot_sample(X[i], y[i], fig.add_subplot(4, 4, i + 1))
    return fig


def plot_filters(W, title):
    """Draw a layer's filters as they are stored; Theano turns them by 180 degrees to apply them."""
    rows = int(np.ceil(len(W) / 8))
    fig, axes = pyplot.subplots(rows, 8, figsize=(9, 0.4 + rows), layout="constrained")
    largest = np.abs(W).max()
    for axis, w in zip(axes.flat, W, strict=False):
        image = axis.imshow(w[0], cmap="RdBu", vmin=-largest, vmax=largest)
        axis.set(xticks=[], yticks=[])
    for axis in axes.flat[len(W) :]:
        axis.axis("off")
    fig.colorbar(image, ax=axes, label="weight")
    fig.suptitle(title)
    return fig


def load_quietly(test=False):
    """Load the faces without the counts that `load` prints."""
    with quiet(True):
        return load2d(test=test)


def draw_training(net, name):
    """Draw what the pickle alone tells; yield file names and figures (or why there is none)."""
    if np.isfinite([row["train_loss"] for row in net.train_history_]).any():
        trained_on = getattr(net, "trained_on_", source())
        title = f"Learning curves of {name} on {WHOSE[trained_on]}"
        if trained_on == "kaggle":
            beside = name if points(name) else "net2"
            picture = plot_learning_curves(net.train_history_, title, beside)
        else:
            title += "\n(without the tutorial's losses, which are of Kaggle's faces)"
            picture = plot_learning_curves(net.train_history_, title)
        yield "learning_curves.png", picture
    else:
        yield "learning_curves.png", "no epoch has ended with a finite loss"

    if "conv1" not in net.layers_:
        yield "conv1_filters.png", "the net has no layer conv1"
    elif not np.isfinite(W := np.asarray(net.layers_["conv1"].W.get_value())).all():
        yield "conv1_filters.png", "the weights are NaN: the training has diverged"
    else:
        yield "conv1_filters.png", plot_filters(W, f"{name}: the {len(W)} filters of conv1")


def draw_faces(net, name):
    """Draw what the net makes of the faces; yield as `draw_training` does."""
    faces = WHOSE[source()]
    X, y = load_quietly()
    _, X, _, y = net.train_split(X, y, net)
    if len(X) == 0:
        raise DataError("the net keeps no faces for validation (its train_split), so none to draw")
    y_pred = predict(net, X)
    if not np.isfinite(y_pred).all():
        for file_name in ["worst_and_best_faces.png", "keypoint_errors.png", "test_faces.png"]:
            yield file_name, "the net predicts NaN: the training has diverged"
        return

    title = f"{name}: worst and best faces by RMSE (validation set of {faces})"
    yield "worst_and_best_faces.png", plot_worst_and_best(X, y, y_pred, title)
    title = f"{name}: error of each keypoint (validation set of {faces})"
    yield "keypoint_errors.png", plot_keypoint_errors(y, y_pred, title)

    try:
        title = f"{name}: predicted keypoints (test set of {WHOSE[source(test=True)]})"
        X, _ = load_quietly(test=True)
    except MissingFileError:
        title = f"{name}: predicted keypoints (validation set of {faces}; no test.csv)"
    yield "test_faces.png", plot_faces(X[:16], predict(net, X[:16]), title)


def draw_comparison(nets):
    """Draw the curves of several nets, and print the RMSE of each keypoint."""
    faces = WHOSE[source()]
    yield "comparison.png", comparing.plot_curves(nets, f"Learning curves: {', '.join(nets)}")

    X, y = load_quietly()
    net = next(iter(next(iter(nets.values())).values()))
    _, X, _, y = net.train_split(X, y, net)
    errors = {name: comparing.keypoint_rmse(parts, X, y) for name, parts in nets.items()}
    print(f"{len(X)} faces, the validation set of {faces}" + "; * is the best" * (len(nets) > 1))
    if any(len(parts) > 1 for parts in nets.values()):
        print("(specialists split their faces in other ways: they may have been trained on these)")
    print(*comparing.table(errors), sep="\n")


def main(argv=None):
    options = plot_options(__doc__, argv)
    names = comparing.names_of(options.pickles)
    nets = dict(zip(names, map(load_nets, options.pickles), strict=True))
    if len(nets) == 1 and COLUMNS in nets[names[0]]:
        net = nets[names[0]][COLUMNS]
        pictures = chain(draw_training(net, names[0]), draw_faces(net, names[0]))
    else:  # several nets, or the specialists
        pictures = draw_comparison(nets)
    show = drawing.use_windows(options.show)
    with pyplot.rc_context(drawing.STYLE):
        for file_name, picture in pictures:
            if isinstance(picture, str):
                drawing.skip(options.out / file_name, picture)
            else:
                drawing.save(options.out / file_name, picture)
        if options.gif:
            write_gif(options.pickles[0], options.out / "face.gif")
        if show:
            with suppress(KeyboardInterrupt):  # Ctrl-C closes the windows
                pyplot.show()
    pyplot.close("all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
