"""Checkpoint files that somebody or something has changed: said to be bad, or exactly as good."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import functools
import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tiny_nets import X, Y, tiny, values
from theano_today.errors import DataError
from theano_today.training.checkpoints.handler import Checkpoint
from theano_today.training.session import Plan, fit

NAME = "checkpoint-000001.safetensors"
SETTINGS = settings(suppress_health_check=list(HealthCheck))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["dict", "tuple", "array", "scalar", "RandomState", "state", "now"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=5,
)


@functools.cache
def good():
    """The bytes of a checkpoint, and the net that goes on from it."""
    import tempfile
    from pathlib import Path

    class Crash(BaseException):
        pass

    def crash(nn, train_history):
        raise Crash

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "c")
        net = tiny(on_epoch_finished=[crash])
        with pytest.raises(Crash):
            fit(net, X, Y, Plan(folder, every=0))
        data = max(folder.iterdir()).read_bytes()
    net.on_epoch_finished = []
    return data, net


@pytest.fixture
def attempt(tmp_path):
    """Tries to go on from some bytes, and returns whether it did and what was said."""
    folder = tmp_path / "c"
    folder.mkdir()
    _, net = good()

    def attempt(data):
        (folder / NAME).write_bytes(data)
        said = []
        before, history = values(net), list(net.train_history_)
        checkpoint = Checkpoint(folder, say=said.append)
        try:
            resumed = checkpoint.resume(net)
        except DataError as error:
            resumed = False
            said.append(str(error))
        finally:
            checkpoint.close()
        if not resumed:
            assert NAME in said[0]
            assert len(said[0].splitlines()) == 1
            net.train_history_[:] = history
        return resumed, said, values(net) == before

    return attempt


def test_the_good_one(attempt):
    assert attempt(good()[0])[:2] == (True, [])


EDIT = st.tuples(
    st.sampled_from(["flip", "cut", "insert", "repeat", "swap"]),
    st.integers(0, 2**32), st.integers(0, 2**32), st.binary(min_size=1, max_size=9),
)  # fmt: skip


def edited(data, kind, a, b, new):
    a, b = sorted((a % (len(data) + 1), b % (len(data) + 1)))
    if kind == "flip" and a < len(data):
        return data[:a] + bytes([data[a] ^ 1 << b % 8]) + data[a + 1 :]
    return {
        "flip": data,
        "cut": data[:a] + data[b:],
        "insert": data[:a] + new + data[a:],
        "repeat": data[:b] + data[a:],
        "swap": data[b:] + data[a:b] + data[:a],
    }[kind]


@SETTINGS
@given(edits=st.lists(EDIT, min_size=1, max_size=3))
def test_changed_bytes(edits, attempt):
    original = data = good()[0]
    for edit in edits:
        data = edited(data, *edit)
    resumed, said, unchanged = attempt(data)
    assert resumed == (data == original)
    assert resumed or (unchanged and said[0].endswith("; not used"))


def places(value, path=()):
    """All places in a nested value."""
    yield path
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = list(enumerate(value))[:20]  # one of the 625 of a random state is like the next
    else:
        return
    for key, inner in items:
        yield from places(inner, (*path, key))


def put(value, path, new):
    if not path:
        return new
    changed = value.copy()
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


def sealed(header, blocks):
    """A file with a checksum that is right, whatever is in it."""
    zeros = "0" * 64
    text = json.dumps(header | {"__metadata__": {"sha256": zeros} | header["__metadata__"]})
    data = len(text.encode()).to_bytes(8, "little") + text.encode() + blocks
    return data.replace(zeros.encode(), hashlib.sha256(data).hexdigest().encode(), 1)


@functools.cache
def parts():
    data, _ = good()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    del header["__metadata__"]["sha256"]
    content = json.loads(header["__metadata__"]["content"])
    return header, data[8 + length :], content, list(places(content))


def test_sealing_is_right(attempt):
    header, blocks, *_ = parts()
    assert attempt(sealed(header, blocks))[0]


@SETTINGS
@given(place=st.integers(0, 2**32), new=JSON, second=st.none() | st.integers(0, 2**32))
def test_changed_content_with_a_checksum_that_is_right(place, new, second, attempt):
    """Not what a disk does; somebody who wants to do harm gets no further than a wrong number."""
    header, blocks, content, found = parts()
    changed = put(content, found[place % len(found)], new)
    if second is not None:
        left = list(places(changed))
        changed = put(changed, left[second % len(left)], new)
    texts = header["__metadata__"] | {"content": json.dumps(changed)}
    attempt(sealed(header | {"__metadata__": texts}, blocks))


@pytest.mark.parametrize("key", ["fingerprint", "made_with"])
def test_texts_that_are_none(key, attempt):  # found by the test above
    header, blocks, content, _ = parts()
    changed = put(content, ("dict", key), {"dict": {"NumPy": None}})
    texts = header["__metadata__"] | {"content": json.dumps(changed)}
    _, said, unchanged = attempt(sealed(header | {"__metadata__": texts}, blocks))
    assert unchanged
    assert f"is not a checkpoint (its {key} is missing or damaged)" in said[0]


@SETTINGS
@given(place=st.integers(0, 2**32), new=JSON)
def test_changed_header_with_a_checksum_that_is_right(place, new, attempt):
    header, blocks, *_ = parts()
    found = [path for path in places(header) if path and path[0] != "__metadata__"]
    attempt(sealed(put(header, found[place % len(found)], new), blocks))


def test_a_random_state_that_is_none(attempt):  # found by the same test
    header, blocks, content, _ = parts()
    changed = put(content, ("dict", "random", "dict", "python", "tuple", 1, "tuple", 0), -1)
    texts = header["__metadata__"] | {"content": json.dumps(changed)}
    _, said, _ = attempt(sealed(header | {"__metadata__": texts}, blocks))
    assert "is not a checkpoint (OverflowError: " in said[0]


def test_control_characters_in_a_text(attempt):  # found by the test above
    header, blocks, content, _ = parts()
    changed = put(content, ("dict", "random", "dict", "python", "tuple", 0), "\r\x1b[2J")
    texts = header["__metadata__"] | {"content": json.dumps(changed)}
    _, said, unchanged = attempt(sealed(header | {"__metadata__": texts}, blocks))
    assert unchanged
    assert r"state with version \r\x1b[2J passed" in said[0]
