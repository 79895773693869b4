"""`make data` with a stand-in for kagglehub."""

import io
import os
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

from kfkd import fetch
from theano_today.errors import DataError, MissingFileError, SetupError, WriteError

ROOT = Path(__file__).resolve().parents[2]


def hub(monkeypatch, download):
    module = types.ModuleType("kagglehub")
    module.competition_download = download
    monkeypatch.setitem(sys.modules, "kagglehub", module)


def packed(name):
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(name, f"content of {name}")
        return out.getvalue()


def test_files_and_zips(tmp_path, monkeypatch, capsys):
    download, data = tmp_path / "download", tmp_path / "deep" / "data"
    download.mkdir()
    (download / "training.zip").write_bytes(packed("training.csv"))
    (download / "test.csv").write_text("content of test.csv")
    (download / "IdLookupTable.csv").write_text("content of IdLookupTable.csv")
    hub(monkeypatch, lambda competition: str(download))
    monkeypatch.setenv("KFKD_DATA", str(data))
    fetch.main()
    names = ["training.csv", "test.csv", "IdLookupTable.csv"]
    for name in names:
        assert (data / name).read_text() == f"content of {name}"
    assert sorted(path.name for path in data.iterdir()) == sorted(names)
    assert capsys.readouterr().out.splitlines() == [str(data / name) for name in names]


def test_download_refused(tmp_path, monkeypatch):
    def refuse(competition):
        assert competition == "facial-keypoints-detection"
        raise RuntimeError("User is not authenticated\nsecond line")

    hub(monkeypatch, refuse)
    with pytest.raises(DataError) as error:
        fetch.fetch(tmp_path)
    assert str(error.value) == (
        "Kaggle did not hand out the files: User is not authenticated second line; "
        "are its rules accepted and your credentials set? See data/README.md"
    )


def test_download_incomplete(tmp_path, monkeypatch):
    hub(monkeypatch, lambda competition: str(tmp_path))
    with pytest.raises(MissingFileError) as error:
        fetch.fetch(tmp_path / "data")
    assert str(error.value) == f"Kaggle's download in {tmp_path} holds no training.csv"


def test_folder_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "training.csv").write_text("1")
    (tmp_path / "data").write_text("no folder")
    hub(monkeypatch, lambda competition: str(tmp_path))
    with pytest.raises(WriteError) as error:
        fetch.fetch(tmp_path / "data")
    assert (
        str(error.value) == f"{tmp_path / 'data' / 'training.csv'}: cannot be written: File exists"
    )


def test_without_kagglehub(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(SetupError) as error:
        fetch.fetch(tmp_path)
    assert str(error.value) == (
        "kagglehub is not installed; run 'pip install kagglehub', "
        "or download the files as data/README.md says"
    )


def test_exit_code(tmp_path):
    (tmp_path / "kagglehub.py").write_text("raise ImportError('none')")
    done = subprocess.run(
        [sys.executable, "-m", "kfkd.fetch"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "KFKD_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "kagglehub is not installed" in done.stderr
