"""Files of arrays: read by other means, damaged in every way, and made by others."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from theano_today.errors import DataError, MissingFileError, WriteError
from theano_today.training.checkpoints import array_file

ARRAYS = {
    "conv1.W": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "step": np.array(7, np.int64),
    "none": np.zeros((0, 5), np.float16),
    "mask": np.array([True, False, True]),
    "key": np.arange(3, dtype=np.uint32),
}
TEXTS = {"format": "a test", "ä": "0" * 64}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.safetensors"
    array_file.write(path, ARRAYS, TEXTS)
    return path


def same(a, b):
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def made(header, data=b""):
    """A file by hand; a dict becomes JSON."""
    header = json.dumps(header).encode() if isinstance(header, dict) else header
    return len(header).to_bytes(8, "little") + header + data


class TestWritten:
    def test_and_read_again(self, path):
        arrays, texts = array_file.read(path, checksum_needed=True)
        assert texts == TEXTS
        assert list(arrays) == list(ARRAYS)
        assert all(same(arrays[name], array) for name, array in ARRAYS.items())
        arrays["conv1.W"][0, 0, 0] = 9  # writable

    def test_as_the_format_says(self, path):
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        header, blocks = json.loads(data[8 : 8 + length]), data[8 + length :]
        assert (8 + length) % 8 == 0
        assert header["conv1.W"] == {"dtype": "F32", "shape": [2, 3, 4], "data_offsets": [0, 96]}
        assert header["step"] == {"dtype": "I64", "shape": [], "data_offsets": [96, 104]}
        assert [header[n]["dtype"] for n in ("none", "mask", "key")] == ["F16", "BOOL", "U32"]
        start, end = header["key"]["data_offsets"]
        assert np.frombuffer(blocks[start:end], "<u4").tolist() == [0, 1, 2]
        assert end == len(blocks)
        assert header["__metadata__"].keys() == {"sha256", *TEXTS}

    def test_the_checksum(self, path):
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        checksum = json.loads(data[8 : 8 + length])["__metadata__"]["sha256"].encode()
        assert data.count(checksum) == 1
        assert hashlib.sha256(data.replace(checksum, b"0" * 64)).hexdigest().encode() == checksum

    @pytest.mark.parametrize(
        "array",
        [
            np.arange(6.0).reshape(2, 3).T,
            np.arange(10)[::-2],
            np.arange(4, dtype=">i4"),
            np.broadcast_to(np.float32(3), (4, 5)),
        ],
    )
    def test_any_memory_layout(self, array, tmp_path):
        array_file.write(tmp_path / "a", {"x": array}, {})
        read = array_file.read(tmp_path / "a")[0]["x"]
        np.testing.assert_array_equal(read, array)
        assert read.dtype == array.dtype.newbyteorder("<")

    @pytest.mark.parametrize("dtype", [object, complex, "U3", "M8[s]", np.longdouble])
    def test_what_no_file_can_hold(self, dtype, path):
        before = path.read_bytes()
        with pytest.raises(TypeError, match=r"array 'x' is of dtype .*, which no file can hold"):
            array_file.write(path, {"x": np.zeros(2, dtype)}, {})
        assert path.read_bytes() == before

    def test_no_place_for_it(self, tmp_path):
        with pytest.raises(WriteError, match="cannot be written: No such file or directory"):
            array_file.write(tmp_path / "gone" / "a", ARRAYS, {})

    @given(
        arrays=st.dictionaries(
            st.text(max_size=5).filter(lambda name: name != "__metadata__"),
            some.arrays(
                some.boolean_dtypes() | some.integer_dtypes() | some.floating_dtypes(),
                some.array_shapes(min_dims=0, min_side=0, max_side=4),
            ),
            max_size=4,
        )
    )
    def test_anything(self, arrays, tmp_path_factory):
        path = tmp_path_factory.mktemp("any") / "a"
        array_file.write(path, arrays, {})
        read, _ = array_file.read(path, checksum_needed=True)
        little = {n: a.astype(a.dtype.newbyteorder("<")) for n, a in arrays.items()}
        assert read.keys() == little.keys()
        assert all(same(read[name], array) for name, array in little.items())


class TestDamaged:
    def test_every_bit_counts(self, path):
        data = path.read_bytes()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
            with pytest.raises(DataError, match=str(path)) as caught:
                array_file.read(path, checksum_needed=True)
            assert "\n" not in str(caught.value)

    def test_every_length_counts(self, path):
        data = path.read_bytes()
        for length in range(len(data)):
            path.write_bytes(data[:length])
            with pytest.raises(DataError):
                array_file.read(path)
        path.write_bytes(data + b"\0")
        with pytest.raises(DataError, match="expected 119: the file is cut or damaged"):
            array_file.read(path)

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "is cut off, or no safetensors file"),
            (b"PK\3\4" + bytes(100), "is cut off, or no safetensors file"),
            (b"\x80\x04\x95" + b"K" * 99, "is cut off, or no safetensors file"),  # a pickle
            (bytes(8), "its header is damaged"),
            (b"\xff" * 100, "is cut off, or no safetensors file"),
            (made(b"[]"), "its header is damaged"),
            (made(b"{"), "its header is damaged"),
            (made(b"[" * 100_000), "its header is damaged"),
            (made(b'{"x": ' + b"9" * 5000 + b"}"), "its header is damaged"),
            (made({"__metadata__": {"a": 1}}), "its __metadata__ are no texts"),
            (made({"__metadata__": []}), "its __metadata__ are no texts"),
            (made({"x": 1}), "its header's entry 'x' is damaged"),
            (made({"x": "dtype"}), "its header's entry 'x' is damaged"),
            (made({"x\n": {}}), r"its header's entry 'x\n' is damaged"),
        ],
    )
    def test_what_is_no_such_file(self, data, words, tmp_path):
        (tmp_path / "a").write_bytes(data)
        with pytest.raises(DataError) as caught:
            array_file.read(tmp_path / "a")
        assert str(caught.value) == f"{tmp_path / 'a'}: {words}"

    @pytest.mark.parametrize(
        "changed",
        [
            {"dtype": "F32"}, {"dtype": "O"}, {"dtype": []}, {"dtype": None},
            {"shape": [2]}, {"shape": [-1, -4]}, {"shape": [2.0, 2]}, {"shape": [True, 4]},
            {"shape": 4}, {"shape": "4"}, {"shape": [4] * 40}, {"shape": [2**40, 2**40]},
            {"data_offsets": [0]}, {"data_offsets": [0, 5]}, {"data_offsets": [4, 0]},
            {"data_offsets": [-4, 0]}, {"data_offsets": [1, 5]}, {"data_offsets": ["0", "4"]},
            {"data_offsets": [0, 10**30]}, {"data_offsets": [4, 8]},
        ],
    )  # fmt: skip
    def test_entries_that_lie(self, changed, tmp_path):
        entry = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}
        (tmp_path / "a").write_bytes(made({"x": entry}, b"abcd"))
        assert array_file.read(tmp_path / "a")[0]["x"].tobytes() == b"abcd"
        (tmp_path / "a").write_bytes(made({"x": entry | changed}, b"abcd"))
        with pytest.raises(DataError):
            array_file.read(tmp_path / "a")

    def test_arrays_that_overlap(self, tmp_path):
        entry = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}
        (tmp_path / "a").write_bytes(made({"x": entry, "y": entry}, b"abcd"))
        with pytest.raises(DataError, match="array 'y' is not where its header says"):
            array_file.read(tmp_path / "a")

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(MissingFileError):
            array_file.read(tmp_path / "a")
        with pytest.raises(DataError, match="cannot be read: Is a directory"):
            array_file.read(tmp_path)


class TestMadeByOthers:
    FILE = made({"x": {"dtype": "I16", "shape": [2], "data_offsets": [0, 4]}}, b"\1\0\2\0")

    def test_without_a_checksum(self, tmp_path):
        (tmp_path / "a").write_bytes(self.FILE)
        arrays, texts = array_file.read(tmp_path / "a")
        assert arrays["x"].tolist() == [1, 2]
        assert texts == {}
        with pytest.raises(DataError, match="has no checksum"):
            array_file.read(tmp_path / "a", checksum_needed=True)
