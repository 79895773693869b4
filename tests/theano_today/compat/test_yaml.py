"""yaml.load as until PyYAML 6."""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest

from theano_today.compat import yaml as compat


class FullLoader:
    constructors: ClassVar[dict] = {}

    @classmethod
    def add_multi_constructor(cls, prefix, constructor):
        cls.constructors = {**cls.constructors, prefix: constructor}

    def construct_undefined(self, node):
        raise ValueError(node)


def stand_in():
    """Return a module with PyYAML 6's signatures; it itself is not among the requirements."""
    module = ModuleType("yaml")
    module.FullLoader = FullLoader
    module.load = lambda stream, Loader: (stream, Loader)
    module.load_all = lambda stream, Loader: [(stream, Loader)]
    return module


def test_a_loader_by_default():
    yaml = stand_in()
    compat._default_loader(yaml)
    assert yaml.load("a", "other") == yaml.load("a", Loader="other") == ("a", "other")
    for stream, loader in yaml.load("a"), *yaml.load_all("a"):
        assert stream == "a"
        assert issubclass(loader, FullLoader)


def test_nothing_is_called_but_numpy():
    yaml = stand_in()
    compat._default_loader(yaml)
    _, loader = yaml.load("a")
    ((prefix, construct),) = loader.constructors.items()
    assert prefix.endswith("python/object/apply:")
    with pytest.raises(ValueError, match="a node"):
        construct(loader(), "os.getcwd", "a node")
    assert not FullLoader.constructors


def test_a_default_of_its_own_stays():
    yaml = stand_in()
    yaml.load = load = lambda stream, Loader=None: Loader
    compat._default_loader(yaml)
    assert yaml.load is load


def test_pyyaml():
    yaml = pytest.importorskip("yaml")
    assert yaml.load("a: [1, 2]") == {"a": [1, 2]}
    yaml.add_multi_constructor("!obj:", lambda loader, suffix, node: suffix)
    assert yaml.load("a: !obj:list {}") == {"a": "list"}
    numbers = {"a": compat.np.int64(5), "b": compat.np.float32(2.5), "c": (1, 2)}
    assert yaml.load(yaml.dump(numbers)) == numbers
    for name in ("apply:os.getcwd", "new:os.getcwd", "apply:numpy.ndarray"):
        with pytest.raises(yaml.constructor.ConstructorError):
            yaml.load(f"!!python/object/{name} []")
