"""load.py against the tutorial's code, result for result."""

import contextlib
import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from load import load, load2d
from tests.csv_files import COLUMNS, face, image, training, tutorial_load, unlabelled
from theano_today.errors import DataError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KFKD_DATA", str(tmp_path))
    return tmp_path


def printed(call, *args, **kwargs):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        X, y = call(*args, **kwargs)
    return out.getvalue(), X, y


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        if isinstance(b, np.ndarray):
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        else:
            assert a == b


def gappy(seed, rows=12):
    dice = np.random.RandomState(seed)
    faces = []
    for i in range(rows):
        gone = [c for c in COLUMNS if i > 2 and dice.rand() < dice.choice([0, 0, 0.2])]
        empty = {c: dice.choice(["", "NaN", "NA", "null"]) for c in gone}
        faces.append(face(seed * 100 + i, **empty))
    return training(*faces)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "cols",
    [
        None,
        [],
        ["nose_tip_x"],
        ("left_eye_center_x", "left_eye_center_y"),
        ["mouth_center_top_lip_y", "nose_tip_x", "right_eye_center_x"],
        ["nose_tip_x", "nose_tip_x"],
    ],
)
def test_equals_tutorial(folder, seed, cols):
    path = folder / "training.csv"
    path.write_bytes(gappy(seed))
    expected = tutorial_load(path, cols=cols)
    for _ in "first", "cached":
        assert_same(printed(load, cols=cols), expected)


def test_test_set_equals_tutorial(folder):
    path = folder / "test.csv"
    path.write_bytes(unlabelled(image(1), image(2), "", image(3)))
    for cols in None, ["ImageId"]:
        expected = tutorial_load(path, test=True, cols=cols)
        for _ in "first", "cached":
            assert_same(printed(load, test=True, cols=cols), expected)
    assert expected[1].shape == (3, 9216)
    assert expected[2] is None


def test_arrays_are_ours(folder):
    (folder / "training.csv").write_bytes(training(*(face(i) for i in range(3))))
    for _ in "first", "cached":
        X, y = load()
        for array, shape in ((X, (3, 9216)), (y, (3, 30))):
            assert (array.dtype, array.shape) == (np.float32, shape)
            assert array.flags.c_contiguous
            assert array.flags.owndata
            assert array.flags.writeable
    assert X.min() == 0
    assert X.max() == 1


def test_every_grey_value_is_the_tutorials(folder):
    (folder / "test.csv").write_bytes(unlabelled(image()))
    X, _ = load(test=True)
    expected = (np.arange(256) / 255.0).astype(np.float32)
    assert X[0, :256].tobytes() == expected.tobytes()


def test_load2d(folder):
    (folder / "training.csv").write_bytes(training(*(face(i) for i in range(3))))
    (folder / "test.csv").write_bytes(unlabelled(image(1)))
    X, y = load(cols=["nose_tip_x"])
    X2, y2 = load2d(cols=["nose_tip_x"])
    assert X2.shape == (3, 1, 96, 96)
    assert X2.tobytes() == X.tobytes()
    assert y2.tobytes() == y.tobytes()
    X2, y2 = load2d(test=True)
    assert X2.shape == (1, 1, 96, 96)
    assert y2 is None


def test_fewer_columns_keep_more_rows_and_share_the_cache(folder):
    path = folder / "training.csv"
    path.write_bytes(training(face(1), face(2, nose_tip_x=""), face(3, mouth_left_corner_y="")))
    for cols, rows in ((None, 1), (["mouth_left_corner_y"], 2), (["nose_tip_x"], 2), (None, 1)):
        expected = tutorial_load(path, cols=cols)
        assert_same(printed(load, cols=cols), expected)
        assert len(expected[1]) == rows


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.rstrip(b"\n"),
        lambda data: data + b"\n \n",
        lambda data: data.replace(b"Image\n", b'"Image"\n'),
    ],
    ids=["BOM", "CRLF", "no final newline", "blank lines", "quoted header"],
)
def test_variants(folder, change):
    path = folder / "training.csv"
    path.write_bytes(change(training(face(1), face(2, nose_tip_x=""), face(3))))
    assert_same(printed(load), tutorial_load(path))


def test_everything_quoted(folder):
    path = folder / "training.csv"
    rows = [[f'"{field}"' for field in row] for row in (face(1), face(2, nose_tip_x=""))]
    path.write_bytes(training(*rows))
    assert_same(printed(load), tutorial_load(path))


def test_folder_is_looked_up_at_each_call(tmp_path, monkeypatch):
    for name, faces in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "training.csv").write_bytes(training(*map(face, range(faces))))
    monkeypatch.setenv("KFKD_DATA", str(tmp_path / "a"))
    assert len(load()[0]) == 1
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KFKD_DATA", "~/b")
    assert len(load()[0]) == 2


def test_import_is_free_of_theano(tmp_path):
    code = "import load, sys; assert not {'theano', 'lasagne', 'nolearn'} & set(sys.modules)"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)


BASE = training(face(1), face(2, nose_tip_x=""), face(3, Image=""), face(4))
STARTS = [i + 1 for i, byte in enumerate(BASE) if byte == 10][:-1]
PLACES = st.one_of(
    st.integers(0, len(BASE) - 1),
    st.integers(0, STARTS[0]),
    *(st.integers(start, start + 460) for start in STARTS),
    *(st.integers(start - 12, start) for start in [*STARTS, len(BASE)]),
)
BYTES = st.one_of(
    st.sampled_from([b"", b",", b"\n", b"\r", b"\r\n", b'"', b" ", b".", b"-", b"e5", b"nan"]),
    st.sampled_from([b"NA", b",,", b"\0", b"\xff", b"inf", b"7", b"256", b"\t"]),
    st.binary(min_size=1, max_size=3),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.tuples(PLACES, st.integers(0, 3), BYTES), min_size=1, max_size=3),
    end=st.one_of(st.none(), st.none(), PLACES),
)
@example(edits=[], end=None)
def test_any_bytes_give_an_error_or_the_tutorials_result(folder, edits, end):
    data = BASE
    for place, length, new in edits:
        data = data[:place] + new + data[place + length :]
    path = folder / "training.csv"
    path.write_bytes(data[:end])
    found = error = None
    try:
        found = printed(load)
    except DataError as raised:
        error = str(raised)
    if error is not None:
        assert error.startswith(f"{path}: ")
        assert len(error.splitlines()) == 1
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            expected = tutorial_load(path)
        except ValueError:
            return  # in the image of a row that is dropped, at which we do not look
    assert_same(found, expected)
