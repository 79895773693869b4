"""Where the print statement puts spaces and line ends."""

import io

import pytest

from theano_today.python2.files import open as open2
from theano_today.python2.memory import StringIO
from theano_today.python2.printing import end_line, print_statement


def test_on_the_standard_output(capsys):
    print_statement("a", 1, end=" ")
    print_statement("b\n", 2)
    print_statement("c", end=" ")
    print_statement()
    print_statement(b"bytes", end=" ")
    end_line()
    end_line()
    assert capsys.readouterr().out == "a 1 b\n2\nc\nbytes\n"


def test_the_programs_own_write_ends_the_waiting(tmp_path):
    for file in (StringIO(), open2(tmp_path / "f", "w+")):
        print_statement("x", end=" ", file=file)
        file.write("y")
        print_statement("z", end=" ", file=file)
        print_statement("w", None, file=file)
        file.seek(0)
        assert file.read() == "xyz w None\n"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (("a ", "b"), "a  b\n"),
        (("a\t", "b"), "a\tb\n"),
        (("", "b"), " b\n"),
        ((), "\n"),
        ((1.5, [2]), "1.5 [2]\n"),
    ],
)
def test_items(items, expected):
    memory = StringIO()
    print_statement(*items, file=memory)
    assert memory.getvalue() == expected


def test_a_file_without_attributes_of_ones_own():
    class File:
        __slots__ = ("text",)

        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text

    file = File()
    print_statement("a", end=" ", file=file)
    print_statement("b", file=file)
    assert file.text == "a b\n"


def test_no_output_at_all(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    print_statement("a")
    end_line()
    monkeypatch.setattr("sys.stdout", io.StringIO())
    print_statement("a", end=" ")
