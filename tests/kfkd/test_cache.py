"""The cache saves time, and nothing else ever depends on it."""

import os
from pathlib import Path

import numpy as np
import pytest

from kfkd import cache, kaggle_csv
from kfkd.files import Source
from kfkd.kaggle_csv import Faces
from kfkd.pixels import parse_pixels
from tests.csv_files import face, image, training
from theano_today.errors import DataError


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "training.csv"
    path.write_bytes(training(face(1), face(2, nose_tip_x=""), face(3), face(4, nose_tip_y="")))
    return path


@pytest.fixture
def parsed(monkeypatch):
    """How many images have been parsed."""
    count = []
    monkeypatch.setattr(
        kaggle_csv, "parse_pixels", lambda text: count.append(1) or parse_pixels(text)
    )
    return count


def read(path, cols=None):
    faces = Faces(Source(path, path.name, "kaggle"))
    table = faces.table(cols).dropna()
    return table.to_numpy().tobytes(), faces.images(table["Image"]).tobytes()


def cache_of(path):
    return path.with_name(f".{path.name}.cache")


def test_second_time_nothing_is_parsed(csv, parsed, monkeypatch):
    expected = read(csv)
    assert cache_of(csv).is_file()
    parsed.clear()
    monkeypatch.setattr(kaggle_csv, "scan", None)
    assert read(csv) == expected
    assert not parsed
    assert sorted(p.name for p in csv.parent.iterdir()) == [".training.csv.cache", "training.csv"]


def test_other_columns_parse_only_what_is_new(csv, parsed):
    read(csv)
    parsed.clear()
    every = read(csv, ["mouth_left_corner_x"])
    assert len(parsed) == 2
    parsed.clear()
    read(csv)
    read(csv, ["nose_tip_x"])
    assert read(csv, ["mouth_left_corner_x"]) == every
    assert not parsed


def test_rows_of_another_selection_are_kept(csv, parsed):
    read(csv, ["nose_tip_x"])
    read(csv, ["nose_tip_y"])
    parsed.clear()
    read(csv, ["mouth_left_corner_x"])
    assert not parsed


def test_any_flipped_bit_costs_only_time(csv):
    expected = read(csv)
    good = cache_of(csv).read_bytes()
    front = good.index(b"\n") + 900
    dice = np.random.RandomState(0)
    places = [*range(0, front, 7), *dice.randint(0, len(good), 60), len(good) - 1]
    for place in places:
        bad = bytearray(good)
        bad[place] ^= 1 << dice.randint(8)
        cache_of(csv).write_bytes(bad)
        assert read(csv) == expected
    assert cache_of(csv).read_bytes() == good


@pytest.mark.parametrize("keep", [0, 1, 50, 200, 900, 2000, 12000, -1])
def test_truncated(csv, keep):
    expected = read(csv)
    good = cache_of(csv).read_bytes()
    cache_of(csv).write_bytes(good[:keep])
    assert read(csv) == expected
    assert cache_of(csv).read_bytes() == good


@pytest.mark.parametrize(
    "junk",
    [
        b"\0" * 50000,
        b"{}\n",
        b"[]\n",
        b"7\n",
        b"[" * 4000 + b"\n",
        b'{"rows": 1e999, "key": 1}\n',
        b'{"rows": -1, "key": 1}\n',
        b'{"rows": "x", "key": 1}\n',
        b"\xff\n",
        b"\x80\x04}.",
    ],
)
def test_junk(csv, junk):
    expected = read(csv)
    good = cache_of(csv).read_bytes()
    cache_of(csv).write_bytes(junk)
    assert read(csv) == expected
    assert cache_of(csv).read_bytes() == good


def test_images_swapped_within_the_cache(csv):
    expected = read(csv)
    good = cache_of(csv).read_bytes()
    cache_of(csv).write_bytes(good[:-18432] + good[-9216:] + good[-18432:-9216])
    assert read(csv) == expected


def test_changed_csv_is_read_anew(csv):
    before = csv.stat()
    old = read(csv)
    data = csv.read_bytes()
    assert data.count(b" 3 4 5 6 ") == 4
    csv.write_bytes(data.replace(b" 3 4 5 6 ", b" 3 4 6 5 "))
    assert csv.stat().st_size == before.st_size
    # As `touch -r` and some ways of copying do.
    os.utime(csv, ns=(before.st_atime_ns, before.st_mtime_ns))
    new = read(csv)
    assert new[0] == old[0]
    assert new[1] != old[1]


def test_other_code_reads_anew(csv, parsed, monkeypatch):
    read(csv)
    parsed.clear()
    monkeypatch.setattr(cache, "_code_version", lambda: "another")
    read(csv)
    assert parsed


def test_a_bad_csv_is_not_cached(csv):
    csv.write_bytes(training(face(1), face(2, Image=image()[:-4]), face(3)))
    for _ in range(2):
        with pytest.raises(DataError, match="line 3, column Image"):
            read(csv)
    assert not cache_of(csv).exists()


def test_works_where_nothing_can_be_written(csv, monkeypatch, capfd):
    expected = read(csv)
    cache_of(csv).unlink()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    plain = Path.open

    def read_only(self, mode="r", **kwargs):
        return plain(self, mode, **kwargs) if "r" in mode else full()

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", read_only)
        assert read(csv) == expected
    monkeypatch.setattr(os, "fsync", full)
    assert read(csv) == expected
    assert [p.name for p in csv.parent.iterdir()] == ["training.csv"]
    assert capfd.readouterr() == ("", "")


def test_a_folder_in_place_of_the_cache(csv):
    cache_of(csv).mkdir()
    assert read(csv) == read(csv)
    assert cache_of(csv).is_dir()
    assert len(list(csv.parent.iterdir())) == 2


def test_unreadable_cache(csv, monkeypatch):
    expected = read(csv)
    plain = Path.open

    def refuse(self, mode="r", **kwargs):
        if self == cache_of(csv):
            raise PermissionError(13, "Permission denied")
        return plain(self, mode, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    assert read(csv) == expected
