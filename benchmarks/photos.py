"""How much worse a net's points are in photos than on Kaggle's own pictures.

    python benchmarks/photos.py                  # net2.pickle
    python benchmarks/photos.py net2.onnx --faces 100

Pastes the validation faces (Kaggle's, or generated ones) into scenes of noise,
at a random size (60 to 300 pixels), place and turn (up to 10 degrees); finds
them there as examples/photo.py does; and compares the error in pixels of a face
of 96 with that on the faces as they are. Takes some minutes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import theano_today  # noqa: F401, I001  (first: it makes the packages of 2014 importable)

import argparse
from typing import Any

import numpy as np
from PIL import Image

from kfkd.output import quiet
from kfkd.photos.faces import find_faces
from kfkd.photos.predicting import follow, predictor
from load import load2d

WIDTH, HEIGHT = 640, 480
FINE = 4  # how much finer the scene is made than it is: faces have soft edges


def scene(face: Any, rng: Any) -> tuple[Any, Any, Any]:
    """Paste a face of 96x96 bytes.

    Returns
    -------
    uint8 (HEIGHT, WIDTH), and A, b: a point p of the face, 0 to 96, lies at A p + b of the scene.
    """
    side, turn = rng.uniform(60, 300), np.deg2rad(rng.uniform(-10, 10))
    edge = 0.6 * side  # so that the turned face is wholly in the scene
    middle = np.array([rng.uniform(edge, WIDTH - edge), rng.uniform(edge, HEIGHT - edge)])
    A = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * (side / 96)
    b = middle - A @ [48, 48]
    back = np.linalg.inv(A * FINE)
    start = -back @ (b * FINE)
    how = (*back[0], start[0], *back[1], start[1])
    size = (WIDTH * FINE, HEIGHT * FINE)
    image, inside = (
        Image.fromarray(pixels).transform(size, Image.Transform.AFFINE, how, method)
        for pixels, method in [
            (face, Image.Resampling.BICUBIC),
            (np.full_like(face, 255), Image.Resampling.NEAREST),
        ]
    )
    rough = rng.randint(0, 256, (6, 8)).astype(np.uint8)
    wall = Image.fromarray(rough).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    wall.paste(image.reduce(FINE), (0, 0), inside.reduce(FINE))
    return np.asarray(wall), A, b


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("net", nargs="?", type=Path, default=Path("net2.pickle"))
    parser.add_argument("--faces", type=int, help="how many, instead of all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    predict, rng = predictor(options.net), np.random.RandomState(options.seed)
    with quiet(True):
        X, y = load2d()
    valid = len(X) // 5  # nolearn's: the first of five folds
    X, y = X[:valid][: options.faces], y[:valid][: options.faces]
    true = y.reshape(-1, 15, 2) * 48 + 48
    plain = predict(X) - true

    errors, alike, false = [], [], 0
    for image, points, error in zip(X[:, 0], true, plain, strict=True):
        picture, A, b = scene(np.round(image * 255).astype(np.uint8), rng)
        side, middle = 96 * np.sqrt(np.linalg.det(A)), A @ [48, 48] + b
        near = []
        for square in find_faces(picture):
            apart = np.hypot(*(np.array(square[:2]) + square.side / 2 - middle))
            near += [square] if apart < 0.3 * side and 0.5 < square.side / side < 1.6 else []
            false += not near
        if near:
            (found,) = follow(picture, near[:1], predict)
            errors.append(np.linalg.solve(A, (found - b).T).T - 0.5 - points)
            alike.append(error)

    def rmse(values):
        return float(np.sqrt(np.mean(np.square(values))))

    print(f"{len(errors)} of {len(X)} faces found, {false} false ones")
    print(
        f"RMSE in scenes {rmse(errors):.2f}, on the same faces as they are {rmse(alike):.2f} "
        f"(on all {rmse(plain):.2f}): {rmse(errors) / rmse(alike):.2f} times"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
