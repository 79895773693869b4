"""Lookup tables good and bad; locations; Kaggle's RMSE."""

import zipfile

import numpy as np
import pytest

from kfkd import submission
from kfkd.files import Source
from kfkd.keypoints import COLUMNS
from theano_today.errors import DataError, MissingFileError

HEADER = "RowId,ImageId,FeatureName,Location\n"


def lookup(tmp_path, text):
    path = tmp_path / "IdLookupTable.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Source(path, path.name, "kaggle")


def test_rows_in_the_tables_order(tmp_path):
    text = HEADER + "7,2,nose_tip_x,\n3,1,nose_tip_y\n\n4,2,left_eye_center_x\n"
    assert submission.read_lookup(lookup(tmp_path, text)) == [
        (7, 2, "nose_tip_x"), (3, 1, "nose_tip_y"), (4, 2, "left_eye_center_x"),
    ]  # fmt: skip


def test_other_ends_of_lines_and_orders_of_columns(tmp_path):
    text = "﻿FeatureName,RowId,ImageId\r\nnose_tip_x,7,2\r\n"
    assert submission.read_lookup(lookup(tmp_path, text)) == [(7, 2, "nose_tip_x")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        (HEADER, "no rows"),
        ("RowId,ImageId,Location\n1,1,2\n", "line 1 has no column FeatureName"),
        (HEADER + "1,1,nose_tip\n", "line 2, column FeatureName: 'nose_tip' is not"),
        (HEADER + "1,1,nose_tip_x\n1,1,nose_tip_y\n", "line 3: RowId 1 stands on line 2"),
        (HEADER + "1,1,nose_tip_x\n2,1\n", "line 3: found 2 fields, expected 3"),
        (HEADER + "1,1,nose_tip_x,,\n", "line 2: found 5 fields"),
        (HEADER + "1,one,nose_tip_x\n", "line 2, column ImageId: 'one'"),
        (HEADER + "-1,1,nose_tip_x\n", "line 2, column RowId: '-1'"),
        (HEADER + "1,1.0,nose_tip_x\n", "line 2, column ImageId: '1.0'"),
        (HEADER.encode() + b"1,1,nose\xff\n", "line 2 is not UTF-8"),
        (b"PK\x03\x04\x00\x00,,,\n\n", "line 1 has no column RowId"),
        (HEADER + '1,1,"' + "x" * 200_000, "line 2: field larger"),
    ],
)
def test_bad_tables(tmp_path, text, says):
    with pytest.raises(DataError, match=says) as caught:
        submission.read_lookup(lookup(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


class TestFinding:
    def test_in_the_folder_or_its_zip(self, tmp_path, monkeypatch):
        monkeypatch.setenv("KFKD_DATA", str(tmp_path))
        (tmp_path / "test.csv").write_text("")
        with pytest.raises(MissingFileError, match=r"no IdLookupTable\.csv in"):
            submission.find_lookup()
        with zipfile.ZipFile(tmp_path / "facial-keypoints-detection.zip", "w") as z:
            z.writestr("IdLookupTable.csv", HEADER + "1,1,nose_tip_x,\n")
        assert submission.read_lookup(submission.find_lookup()) == [(1, 1, "nose_tip_x")]
        (tmp_path / "IdLookupTable.csv").write_text(HEADER + "2,1,nose_tip_x\n")
        assert submission.read_lookup(submission.find_lookup()) == [(2, 1, "nose_tip_x")]

    def test_generated_faces_have_none(self, tmp_path, monkeypatch):
        monkeypatch.delenv("KFKD_DATA", raising=False)
        monkeypatch.setattr("kfkd.files.DATA", tmp_path)
        with pytest.raises(MissingFileError, match="generated faces cannot be submitted"):
            submission.find_lookup()


class TestLocations:
    ROWS = ((1, 5, "nose_tip_x"), (2, 3, "nose_tip_y"), (3, 3, "nose_tip_x"))

    def test_by_image_number_and_clipped(self):
        predicted = {"nose_tip_x": np.array([-1.5, 50.25]), "nose_tip_y": np.array([97.0, 2.0])}
        values = submission.locations(list(self.ROWS), [3, 5], predicted)
        assert values.tolist() == [50.25, 96, 0]

    @pytest.mark.parametrize(
        ("images", "predicted", "says"),
        [
            ([3, 5], {"nose_tip_x": np.ones(2)}, "asks for nose_tip_y"),
            ([3, 4], dict.fromkeys(COLUMNS, np.ones(2)), "image 5, which is not in test.csv"),
            ([3, 5], dict.fromkeys(COLUMNS, np.full(2, np.nan)), "NaN"),
        ],
    )
    def test_what_is_lacking(self, images, predicted, says):
        with pytest.raises(DataError, match=says):
            submission.locations(list(self.ROWS), images, predicted)

    def test_the_file(self, tmp_path):
        path = tmp_path / "submission.csv"
        submission.write(path, list(self.ROWS), np.array([50.25, 96, 1 / 3]))
        assert path.read_text() == "RowId,Location\n1,50.25\n2,96\n3,0.333333333\n"


class TestLabels:
    def test_rmse_over_all_values_that_have_a_label(self, tmp_path):
        path = tmp_path / "labels.csv"
        path.write_text("ImageId,nose_tip_x,nose_tip_y\n3,10,\n5,20,nan\n")
        labels = submission.read_labels(path)
        assert labels == {(3, "nose_tip_x"): 10, (5, "nose_tip_x"): 20}
        rows = list(TestLocations.ROWS)
        error, count = submission.rmse(rows, np.array([23.0, 99.0, 14.0]), labels)
        assert (error, count) == (pytest.approx(np.sqrt((9 + 16) / 2)), 2)
        error, count = submission.rmse(rows[1:2], np.array([23.0]), labels)
        assert np.isnan(error)
        assert count == 0

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("ImageId,x\n1,2\n", "names no column"),
            ("nose_tip_x\n1\n", "no column ImageId"),
            ("ImageId,nose_tip_x\n1,2,3\n", "line 2: found 3 fields"),
            ("ImageId,nose_tip_x\n1,two\n", "line 2: could not convert"),
        ],
    )
    def test_bad_labels(self, tmp_path, text, says):
        path = tmp_path / "labels.csv"
        path.write_text(text)
        with pytest.raises(DataError, match=says):
            submission.read_labels(path)

    def test_no_labels(self, tmp_path):
        with pytest.raises(MissingFileError, match="--labels names"):
            submission.read_labels(tmp_path / "labels.csv")
