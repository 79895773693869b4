"""What is wrong with a CSV is said in one line that names the file, the line and the column."""

import numpy as np
import pytest

from kfkd import files
from kfkd.files import Source
from kfkd.kaggle_csv import COLUMNS, Faces
from tests import csv_files
from tests.csv_files import face, image, training, unlabelled
from theano_today.errors import DataError

HEADER = training()
SHORT = image().rsplit(" ", 1)[0]


def changed(*changes):
    data = training(face(1), face(2, nose_tip_x=""), face(3))
    for old, new in changes:
        assert old in data
        data = data.replace(old, new, 1)
    return data


def read(path, cols=None):
    faces = Faces(Source(path, path.name, "kaggle"))
    table = faces.table(cols).dropna()
    return table, faces.images(table["Image"])


BAD_TRAINING = {
    "empty": (b"", "is empty, expected a CSV file"),
    "header only": (HEADER, "has no rows after the header"),
    "header and blank lines": (HEADER + b"\n\n", "has no rows after the header"),
    "no header": (
        training(face(1, left_eye_center_x="66.03")).split(b"\n", 1)[1],
        "line 1, column 1 is '66.03', expected 'left_eye_center_x'",
    ),
    "another column": (
        changed((b"left_eye_center_y", b"left_eye_centre_y")),
        "line 1, column 2 is 'left_eye_centre_y', expected 'left_eye_center_y'",
    ),
    "a column too few": (
        changed((b",Image\n", b"\n")),
        "line 1, column 31 is missing, expected 'Image'",
    ),
    "a column too many": (
        changed((b",Image\n", b",Image,more\n")),
        "line 1, column 32 is 'more', expected 31 columns",
    ),
    "the test set": (
        unlabelled(image()),
        "line 1, column 1 is 'ImageId', expected 'left_eye_center_x'",
    ),
    "semicolons": (
        training(face(1)).replace(b",", b";"),
        "line 1, column 1 is 'left_eye_center_x;left_eye_center_y;r...', "
        "expected 'left_eye_center_x'",
    ),
    "binary junk": (
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9,
        "line 1 is not UTF-8 text (byte 1), expected a CSV file",
    ),
    "UTF-16": (
        training(face(1)).decode().encode("utf-16"),
        "line 1 is not UTF-8 text (byte 1), expected a CSV file",
    ),
    "a field too few": (
        HEADER + ",".join(face(1)[1:]).encode() + b"\n",
        "line 2: found 30 fields, expected 31",
    ),
    "a field too many": (
        training(["1", *face(1)]),
        "line 2: found 32 fields, expected 31",
    ),
    "images with commas": (
        training(face(1, Image=image().replace(" ", ","))),
        "line 2: found 9246 fields, expected 31",
    ),
    "cut within the labels": (
        training(face(1), face(2, nose_tip_x="")) + b"1,2,3",
        "line 4: found 3 fields, expected 31; the file is cut off",
    ),
    "cut before the image": (
        training(face(1), face(2, Image=""))[:-1],
        "line 3, column Image: nothing; the file is cut off",
    ),
    "cut within the image": (
        training(face(1), face(2, Image=SHORT))[:-1],
        "line 3, column Image: 9215 pixels, expected 9216",
    ),
    "cut within the image of a row that is dropped": (
        training(face(1), face(2, nose_tip_x="", Image=SHORT))[:-1],
        "line 3, column Image: 9215 pixels, expected 9216",
    ),
    "a pixel too few": (
        training(face(1), face(2, Image=SHORT), face(3)),
        "line 3, column Image: 9215 pixels, expected 9216",
    ),
    "a pixel too many": (
        training(face(1, Image=image() + " 7"), face(3)),
        "line 2, column Image: 9217 pixels, expected 9216",
    ),
    "a few pixels": (
        training(face(1, Image="1 2"), face(3)),
        "line 2, column Image: 2 pixels, expected 9216",
    ),
    "a pixel too great": (
        training(face(1, Image="256" + image()[1:]), face(3)),
        "line 2, column Image: pixel 1 is '256', expected a whole number from 0 to 255",
    ),
    "a negative pixel": (
        training(face(1, Image=image().replace(" 3 ", " -3 ", 1)), face(3)),
        "line 2, column Image: pixel 4 is '-3', expected a whole number from 0 to 255",
    ),
    "a pixel with a fraction": (
        training(face(1, Image=image().replace(" 3 ", " 3.0 ", 1)), face(3)),
        "line 2, column Image: pixel 4 is '3.0', expected a whole number from 0 to 255",
    ),
    "a pixel of letters": (
        training(face(1, Image=image().replace(" 3 ", " x\u00e9 ", 1)), face(3)),
        "line 2, column Image: pixel 4 is 'x\\xe9', expected a whole number from 0 to 255",
    ),
    "a pixel of junk": (
        training(face(1), face(3)).replace(b" 3 ", b" \xff\x00 ", 1),
        "line 2, column Image: pixel 4 is '\\\\xff\\x00', expected a whole number from 0 to 255",
    ),
    "blank lines count": (
        changed((b"\n", b"\n\n\n"), (b",0 1 2 3", b",0 1 2 -3")),
        "line 4, column Image: pixel 4 is '-3', expected a whole number from 0 to 255",
    ),
    "an open quote": (
        training(face(1, Image='"' + image()), face(3)),
        "line 2, column Image: a quote is not closed",
    ),
    "a carriage return": (
        changed((b" 3 ", b" \r ")),
        "line 2: has a carriage return in its middle",
    ),
    "a coordinate of letters": (
        training(face(1), face(2, nose_tip_y="abc"), face(3)),
        "line 3, column nose_tip_y: 'abc' is not a number",
    ),
    "a coordinate in hexadecimal": (
        training(face(1, nose_tip_y="0x10")),
        "line 2, column nose_tip_y: '0x10' is not a number",
    ),
    "a truth": (
        training(face(1, nose_tip_y="True"), face(2, nose_tip_y="False")),
        "line 2, column nose_tip_y: 'True' is not a number",
    ),
    "a long coordinate": (
        training(face(1, nose_tip_y="x" * 1000)),
        f"line 2, column nose_tip_y: '{'x' * 37}...' is not a number",
    ),
    "a coordinate of junk": (
        training(face(1), face(2, nose_tip_y="JUNK")).replace(b"JUNK", b"\xff\0"),
        "line 3, column nose_tip_y: '\\\\xff\\x00' is not a number",
    ),
    "an open quote in a coordinate": (
        training(face(1, nose_tip_y='"1')),
        "line 2, column nose_tip_y: '\"1' is not a number",
    ),
    "infinity": (
        training(face(1), face(2, nose_tip_y="-inf")),
        "line 3, column nose_tip_y: '-inf' is out of range, expected at most 1000000",
    ),
    "a coordinate too great for float32": (
        training(face(1, nose_tip_y="1e40")),
        "line 2, column nose_tip_y: '1e40' is out of range, expected at most 1000000",
    ),
    "no complete row": (
        training(face(1, nose_tip_x=""), face(2, Image=""), face(3, nose_tip_y="NaN")),
        "no row is complete in all 30 columns and Image",
    ),
    "an endless line": (
        HEADER + b"1" * (1 << 21),
        "line 2 is longer than 1048575 bytes",
    ),
}


@pytest.mark.parametrize(("data", "message"), BAD_TRAINING.values(), ids=list(BAD_TRAINING))
def test_bad_training_csv(tmp_path, data, message):
    path = tmp_path / "training.csv"
    path.write_bytes(data)
    with pytest.raises(DataError) as error:
        read(path)
    assert str(error.value) == f"{path}: {message}"
    assert len(str(error.value).splitlines()) == 1


def test_bad_test_csv(tmp_path):
    path = tmp_path / "test.csv"
    for data, message in (
        (b"Image\n1 2\n", "line 1, column 1 is 'Image', expected 'ImageId'"),
        (unlabelled("1 2"), "line 2, column Image: 2 pixels, expected 9216"),
        (unlabelled(""), "no row is complete in all 1 columns and Image"),
        (b"ImageId,Image\nx," + image().encode(), "line 2, column ImageId: 'x' is not a number"),
    ):
        path.write_bytes(data)
        with pytest.raises(DataError) as error:
            read(path)
        assert str(error.value) == f"{path}: {message}"


def test_bad_cols(tmp_path):
    path = tmp_path / "training.csv"
    path.write_bytes(training(face(1, nose_tip_x="", nose_tip_y="")))
    for cols, message in (
        ("nose_tip_x", "cols is the text 'nose_tip_x', expected a list: cols=['nose_tip_x']"),
        (["Image"], "cols names 'Image'; leave it out, the images are always loaded"),
        (
            ["nose_tip_x", "nose"],
            f"{path}: has no column 'nose'; cols can name {', '.join(csv_files.COLUMNS)}",
        ),
        ([3], f"{path}: has no column 3; cols can name {', '.join(csv_files.COLUMNS)}"),
        (
            ["nose_tip_x", "nose_tip_y"],
            f"{path}: no row is complete in nose_tip_x, nose_tip_y and Image",
        ),
    ):
        with pytest.raises(DataError) as error:
            read(path, cols)
        assert str(error.value) == message
    path = tmp_path / "test.csv"
    path.write_bytes(unlabelled(image()))
    with pytest.raises(DataError) as error:
        read(path, ["nose_tip_x"])
    assert str(error.value) == f"{path}: has no column 'nose_tip_x'; cols can name ImageId"


def test_images_of_dropped_rows_are_not_looked_at(tmp_path):
    path = tmp_path / "training.csv"
    path.write_bytes(training(face(1), face(2, nose_tip_x="", Image="junk"), face(3)))
    assert read(path)[1].shape == (2, 9216)
    with pytest.raises(DataError, match="line 3, column Image: 1 pixels, expected 9216"):
        read(path, ["mouth_left_corner_x"])


@pytest.mark.parametrize(
    "missing", ["", "NaN", "nan", "NA", "N/A", "null", "None", "<NA>", "-nan", "#N/A"]
)
def test_what_pandas_takes_for_missing(tmp_path, missing):
    path = tmp_path / "training.csv"
    path.write_bytes(
        training(face(1), face(2, nose_tip_y=missing), face(3, Image=missing), face(4))
    )
    table, pixels = read(path)
    assert list(table["Image"]) == [0, 3]
    assert pixels.shape == (2, 9216)


def test_cols_may_be_any_iterable(tmp_path):
    path = tmp_path / "training.csv"
    path.write_bytes(training(face(1)))
    for cols in (iter(["nose_tip_x"]), np.array(["nose_tip_x"]), ("nose_tip_x",)):
        assert list(read(path, cols)[0].columns) == ["nose_tip_x", "Image"]


def test_file_changed_between_the_passes(tmp_path):
    path = tmp_path / "training.csv"
    path.write_bytes(training(face(1)))
    faces = Faces(Source(path, path.name, "kaggle"))
    table = faces.table()
    path.write_bytes(training(face(1)) + b"\n")
    with pytest.raises(DataError) as error:
        faces.images(table["Image"])
    assert str(error.value) == f"{path}: has changed while it was read; load again"


def test_columns_are_kaggles():
    assert COLUMNS[files.TRAIN] == csv_files.COLUMNS
    assert len(csv_files.COLUMNS) == 30
