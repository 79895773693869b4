"""Points in a photo's pixels."""

import theano_today  # noqa: F401  # isort: skip

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from kfkd.keypoints import COLUMNS
from kfkd.photos import keypoints, predicting
from kfkd.photos.faces import Square
from tests.photos import scene
from theano_today.errors import DataError, MissingFileError


class Mean:
    """A net that gives every face the mean's points."""

    def __init__(self, shape=(None, 1, 96, 96)):
        self.seen = []
        self.layers_ = {"input": SimpleNamespace(shape=shape)}

    def predict(self, X):
        self.seen.append(X)
        return np.tile(((predicting.MEAN - 0.5 - 48) / 48).reshape(1, 30), (len(X), 1))


class Part(Mean):
    """One of the specialists: some columns of the mean."""

    def __init__(self, first, behind):
        super().__init__()
        self.columns = slice(first, behind)

    def predict(self, X):
        return super().predict(X)[:, self.columns]


def test_a_picture_that_is_a_face():
    net = Mean()
    (points,) = keypoints(np.full((192, 300), 99, np.uint8), net, is_face=True)
    np.testing.assert_allclose(points, predicting.MEAN * 2 + (54, 0))
    assert [x.shape for x in net.seen] == [(1, 1, 96, 96)]
    np.testing.assert_allclose(net.seen[0], 99 / 255)


def test_a_net_of_flat_rows_and_specialists():
    face = np.full((96, 96), 99, np.uint8)
    flat = Mean((None, 9216))
    (points,) = keypoints(face, flat, is_face=True)
    np.testing.assert_allclose(points, predicting.MEAN)
    assert [x.shape for x in flat.seen] == [(1, 9216)]

    (points,) = keypoints(face, {COLUMNS[20:]: Part(20, 30), COLUMNS[:20]: Part(0, 20)}, True)
    np.testing.assert_allclose(points, predicting.MEAN)
    with pytest.raises(DataError, match="predicts nose_tip_x"):
        keypoints(face, {COLUMNS[:20]: Part(0, 20)}, True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (3, 2)])
def test_tiny_pictures(shape):
    (points,) = keypoints(np.full(shape, 99, np.uint8), Mean(), is_face=True)
    assert np.isfinite(points).all()


def test_points_of_all_faces():
    pytest.importorskip("cv2", reason="OpenCV is not installed (requirements-examples.txt)")
    grey, known = scene(640, 400, [(0, 170, 160, 200, 0), (3, 470, 240, 240, 0)])
    found = keypoints(grey, Mean())
    assert len(found) == 2
    for points, true in zip(found, known[::-1], strict=True):
        assert points.shape == (15, 2)
        assert np.abs(points.mean(0) - true.mean(0)).max() < 30
    # The same as a large photo that is shrunk to be worked on, and as a file of it.
    large = keypoints(Image.fromarray(grey).resize((6400, 4000)), Mean())
    for points, other in zip(found, large, strict=True):
        np.testing.assert_allclose(points, other / 10, atol=12)
    for shape in [(90, 90), (1, 1), (1, 500)]:
        assert keypoints(np.full(shape, 30, np.uint8), Mean()) == []


@pytest.mark.parametrize("angle", [0.0, 0.2, -0.35])
def test_a_turned_head_is_turned_back(angle):
    """The second cut is of the square that the first points show."""
    square = Square(100, 80, 150, angle)
    true = square.to_picture(predicting.MEAN)
    cuts = []

    def predict(X):
        cuts.append(X)
        # First what an upright square sees of the turned head, then the head itself.
        flat = Square(0, 0, 96, -0.0)._replace(angle=angle if len(cuts) == 1 else 0.0)
        return flat.to_picture(predicting.MEAN)[None] - 0.5

    (points,) = predicting.follow(
        np.zeros((300, 400), np.uint8), [square._replace(angle=0.0)], predict
    )
    np.testing.assert_allclose(points, true, atol=0.05)


def test_files_of_nets(tmp_path):
    with pytest.raises(MissingFileError, match=r"none\.pickle"):
        predicting.predictor(tmp_path / "none.pickle")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    with pytest.raises(MissingFileError, match=r"no .*none\.onnx"):
        predicting.predictor(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_text("bad")
    with pytest.raises(DataError, match=r"bad\.onnx: is no net of ONNX"):
        predicting.predictor(tmp_path / "bad.onnx")


@pytest.mark.parametrize("face", [[1, 96, 96], [9216]])
def test_an_onnx_file_of_either_input(tmp_path, face):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

    def save(outputs):
        x, y = (
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", *shape])
            for name, shape in [("x", face), ("y", [outputs])]
        )
        flat = onnx.helper.make_node("Flatten", ["x"], ["flat"])
        weights = np.zeros((9216, outputs), np.float32)
        weights[:, 0] = 1 / 9216  # the first coordinate is the mean brightness
        product = onnx.helper.make_node("MatMul", ["flat", "w"], ["y"])
        graph = onnx.helper.make_graph(
            [flat, product], "net", [x], [y], [onnx.numpy_helper.from_array(weights, "w")]
        )
        model = onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
        )
        onnx.save(model, tmp_path / "net.onnx")
        return tmp_path / "net.onnx"

    points = predicting.predictor(save(30))(np.full((2, 1, 96, 96), 0.5, np.float32))
    assert points.shape == (2, 15, 2)
    np.testing.assert_allclose(points[:, 0, 0], 72, rtol=1e-5)
    np.testing.assert_allclose(points[:, 1:], 48)
    with pytest.raises(DataError, match=r"to \[10\] numbers, expected one from .* to \[30\]"):
        predicting.predictor(save(10))
