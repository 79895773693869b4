"""Special methods by their former names."""

import builtins
import enum

import pytest

from theano_today.python2.classes import build_class, two_to_three


def make(body, *bases):
    """Return a class made by a class statement's `build_class` and one by `two_to_three`."""
    source = (
        f"class Made({', '.join(base.__name__ for base in bases)}):\n    locals().update(body)\n"
    )
    made = []
    for build in (build_class, builtins.__build_class__):
        space = {"__builtins__": vars(builtins) | {"__build_class__": build}, "body": body}
        space |= {base.__name__: base for base in bases}
        exec(source, space)
        made.append(space["Made"])
    return [made[0], two_to_three(made[1])]


BODY = {
    "__nonzero__": lambda self: False,
    "next": lambda self: 3,
    "__div__": lambda self, other: "div",
    "__rdiv__": lambda self, other: "rdiv",
    "__cmp__": lambda self, other: -1,
    "__eq__": lambda self, other: True,
    "__unicode__": lambda self: "text",
    "__len__": lambda self: 5,
    "__getslice__": lambda self, i, j: (i, j),
}


@pytest.mark.parametrize("bases", [(), (object,), (dict,)])
def test_methods(bases):
    for cls in make(BODY, *bases):
        one = cls()
        assert not bool(one)
        assert next(one) == 3
        assert (one / 2, 2 / one) == ("div", "rdiv")
        assert one < 3
        assert one <= 3
        assert one == 3
        assert str(one) == "text"
        assert one[1:-1] == (1, 4)
        assert one[:] == (0, 2**63 - 1)


def test_what_is_there_stays():
    cls, _ = make({"__nonzero__": lambda self: False, "__bool__": lambda self: True})
    assert bool(cls())


def test_a_class_with_eq_can_be_hashed():
    for cls in make({"__eq__": lambda self, other: True}):
        assert isinstance(hash(cls()), int)

    class Base:
        def __hash__(self):
            return 7

    for cls in make({"__eq__": lambda self, other: True}, Base):
        assert hash(cls()) == 7


def test_slices_are_set_and_deleted():
    done = []
    body = {
        "__setslice__": lambda self, i, j, value: done.append((i, j, value)),
        "__setitem__": lambda self, key, value: done.append((key, value)),
        "__delslice__": lambda self, i, j: done.append((i, j)),
    }
    for cls in make(body):
        done.clear()
        one = cls()
        one[1:2] = "x"
        one["k"] = "y"
        del one[3:4]
        one[1:9:2] = "z"
        assert done == [(1, 2, "x"), ("k", "y"), (3, 4), (slice(1, 9, 2), "z")]


def test_indices_of_a_base_with_slices_of_its_own():
    body = {"__getslice__": lambda self, i, j: "slice"}
    for cls in make(body, list):
        one = cls([7, 8])
        assert one[0] == 7
        assert one[0:1] == "slice"
        assert one[::2] == [7]


def test_build_class():
    """As a class statement calls it: the body, the name, the bases."""
    source = (
        "class Meta(type):\n"
        "    def __new__(mcs, name, bases, names):\n"
        "        return type.__new__(mcs, name, bases, dict(names, made=name))\n"
        "class A:\n    __metaclass__ = Meta\n    def __nonzero__(self): return False\n"
        "class B(A):\n    def get(self): return super(B, self).__nonzero__()\n"
        "class C(enum.Enum):\n    red = 1\n"
        "class D(A, metaclass=Meta): pass\n"
    )
    space = {"__builtins__": vars(builtins) | {"__build_class__": build_class}, "enum": enum}
    exec(source, space)
    assert (space["A"].made, space["B"].made, space["D"].made) == ("A", "B", "D")
    assert not space["B"]()
    assert space["B"]().get() is False
    assert type(space["B"]) is space["Meta"]
    assert space["C"].red.value == 1
    assert space["A"].__qualname__ == "A"
