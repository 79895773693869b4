"""Which file is read, and what is said where there is none."""

import io
import sys
import types
import zipfile
from pathlib import Path

import pytest

from kfkd import files
from load import load
from tests.csv_files import face, image, training, unlabelled
from theano_today.errors import DataError, MissingFileError


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data/, and quickly drawn generated faces."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.delenv("KFKD_DATA", raising=False)
    monkeypatch.setattr(files, "DATA", folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    faces = types.ModuleType("kfkd.faces")
    faces.VERSION = 3
    faces.calls = []

    def write_csv(folder, test=False):
        faces.calls.append(folder)
        path = folder / ("test.csv" if test else "training.csv")
        path.write_bytes(unlabelled(image(8)) if test else training(face(8), face(9)))
        return path

    faces.write_csv = write_csv
    monkeypatch.setitem(sys.modules, "kfkd.faces", faces)
    monkeypatch.setattr(sys.modules["kfkd"], "faces", faces, raising=False)
    return folder


def packed(**members):
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name.replace("__", "."), content)
        return out.getvalue()


def message(kind, call, *args, **kwargs):
    with pytest.raises(kind) as error:
        call(*args, **kwargs)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_kaggles_files(data):
    (data / "training.csv").write_bytes(training(face(1)))
    (data / "test.csv").write_bytes(unlabelled(image(1)))
    assert load()[0].shape == (1, 9216)
    assert load(test=True)[0].shape == (1, 9216)
    assert files.source() == files.source(test=True) == "kaggle"


def test_from_another_folder(data, tmp_path, monkeypatch):
    (data / "training.csv").write_bytes(training(face(1)))
    monkeypatch.chdir(tmp_path)
    assert load()[0].shape == (1, 9216)


def test_default_folder_is_beside_load():
    import load as module

    assert Path(module.__file__).resolve().parent / "data" == files.DATA


def test_generated_faces(data, capsys):
    load(cols=["nose_tip_x"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "no data/training.csv: training on generated faces; see data/README.md",
        "drawing training.csv, once; this takes half a minute ...",
        "nose_tip_x    2",
        "Image         2",
        "dtype: int64",
    ]
    load()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "no data/training.csv: training on generated faces; see data/README.md"
    assert lines[1].startswith("left_eye_center_x")
    load(test=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "no data/test.csv: generated test faces; see data/README.md"
    assert sys.modules["kfkd.faces"].calls == [data / "generated-v3"] * 2
    assert files.source() == files.source(test=True) == "generated"


def test_generated_faces_of_another_version_are_drawn_anew(data):
    load()
    sys.modules["kfkd.faces"].VERSION = 4
    load()
    folders = [folder.name for folder in sys.modules["kfkd.faces"].calls]
    assert folders == ["generated-v3", "generated-v4"]


def test_generated_faces_where_data_cannot_be_written(data, tmp_path):
    data.rmdir()
    data.write_text("no folder")
    load()
    load()
    assert sys.modules["kfkd.faces"].calls == [tmp_path / "cache" / "net2" / "generated-v3"]


def test_generated_faces_with_nowhere_to_go(data, tmp_path, monkeypatch):
    def refuse(folder, test=False):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys.modules["kfkd.faces"], "write_csv", refuse)
    assert message(DataError, load) == (
        f"cannot write the generated faces to {data / 'generated-v3'}: No space left on device"
    )


def test_kfkd_data_at_generated_faces(data, monkeypatch):
    load()
    monkeypatch.setenv("KFKD_DATA", str(data / "generated-v3"))
    assert files.source() == "generated"


@pytest.mark.parametrize("have", ["training.csv", "training.zip", "facial-keypoints-detection.zip"])
def test_one_of_two_is_missing(data, have):
    missing = MissingFileError
    if have.startswith("facial"):
        (data / have).write_bytes(packed(training__csv=training(face(1))))
        expected = f"{data / have}: holds no test.csv"
        missing = DataError
    else:
        content = training(face(1))
        (data / have).write_bytes(
            content if have.endswith("csv") else packed(training__csv=content)
        )
        expected = f"no test.csv in {data}; download it as data/README.md says"
    load()
    assert message(missing, load, test=True) == expected


def test_training_is_missing(data):
    (data / "test.csv").write_bytes(unlabelled(image()))
    expected = f"no training.csv in {data}; download it as data/README.md says"
    assert message(MissingFileError, load) == expected
    assert message(MissingFileError, files.source) == expected


def test_missing_where_kfkd_data_says(data, tmp_path, monkeypatch):
    monkeypatch.setenv("KFKD_DATA", str(data))
    assert message(MissingFileError, load) == (
        f"no training.csv in {data}, the folder that KFKD_DATA names; see data/README.md"
    )
    monkeypatch.setenv("KFKD_DATA", str(tmp_path / "nowhere"))
    assert message(MissingFileError, load) == (
        f"KFKD_DATA names {tmp_path / 'nowhere'}, which is not a folder"
    )


def test_empty_kfkd_data_is_none(data, monkeypatch):
    (data / "training.csv").write_bytes(training(face(1)))
    monkeypatch.setenv("KFKD_DATA", "")
    assert len(load()[0]) == 1


ZIPS = {
    "training.csv.zip": packed(training__csv=training(face(1), face(2))),
    "training.zip": packed(training__csv=training(face(1), face(2))),
    "facial-keypoints-detection.zip": packed(
        test__zip=packed(test__csv=unlabelled(image())),
        training__zip=packed(training__csv=training(face(1), face(2))),
    ),
}


@pytest.mark.parametrize("name", ZIPS)
def test_zips_as_kaggle_ships_them(data, name):
    plain = data / "training.csv"
    plain.write_bytes(training(face(1), face(2)))
    X, y = load()
    plain.unlink()
    (data / ".training.csv.cache").unlink()
    (data / name).write_bytes(ZIPS[name])
    for _ in "first", "cached":
        X2, y2 = load()
        assert X2.tobytes() == X.tobytes()
        assert y2.tobytes() == y.tobytes()
    assert files.source() == "kaggle"


def test_line_numbers_within_a_zip(data):
    path = data / "training.zip"
    path.write_bytes(packed(training__csv=training(face(1), face(2, nose_tip_x="x"))))
    assert message(DataError, load) == f"{path}: line 3, column nose_tip_x: 'x' is not a number"


def test_broken_zips(data):
    path = data / "training.zip"
    good = ZIPS["training.zip"]
    path.write_bytes(b"no zip at all")
    assert message(DataError, load) == (
        f"{path}: broken zip (File is not a zip file); download it again"
    )
    path.write_bytes(good[:-100])
    assert message(DataError, load) == (
        f"{path}: broken zip (File is not a zip file); download it again"
    )
    for place in range(60, len(good), len(good) // 20):
        bad = bytearray(good)
        bad[place] ^= 255
        path.write_bytes(bad)
        assert message(DataError, load).startswith(f"{path}: ")
    path.write_bytes(packed(readme__txt="nothing here"))
    assert message(DataError, load) == f"{path}: holds no training.csv"


def test_encrypted_zip(data):
    path = data / "training.zip"
    locked = bytearray(ZIPS["training.zip"])
    locked[6] |= 1  # in the member's own header
    locked[locked.index(b"PK\x01\x02") + 8] |= 1  # and in the list of members
    path.write_bytes(locked)
    assert message(DataError, load) == f"{path}: is encrypted; unpack training.csv by hand"


def test_zip_within_zips_has_an_end(data):
    inner = ZIPS["training.zip"]
    for _ in range(2):
        inner = packed(training__zip=inner)
    path = data / "training.zip"
    path.write_bytes(inner)
    assert message(DataError, load) == f"{path}: holds no training.csv"


def test_folder_in_place_of_the_file(data):
    path = data / "training.csv"
    path.mkdir()
    assert message(DataError, load) == f"{path}: is a folder, expected Kaggle's training.csv"


def test_link_to_nothing(data):
    path = data / "training.csv"
    path.symlink_to(data / "gone.csv")
    assert message(MissingFileError, load) == (
        f"{path}: is a link to a file that is not there; see data/README.md"
    )


def test_no_permission(data, monkeypatch):
    path = data / "training.csv"
    path.write_bytes(training(face(1)))
    plain = Path.open

    def refuse(self, *args, **kwargs):  # tests may run as root, whom no permission stops
        if self == path:
            raise PermissionError(13, "Permission denied")
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    assert message(DataError, load) == f"{path}: cannot be read: Permission denied"
