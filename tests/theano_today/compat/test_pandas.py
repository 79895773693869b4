"""df.ix, sort, order and as_matrix, beside loc, iloc and sort_values."""

from __future__ import annotations

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest

pd = pytest.importorskip("pandas")


def frame(index=None):
    values = np.arange(12).reshape(4, 3) % 5
    return pd.DataFrame(values, index=index, columns=["a", "b", "c"])


def same(got, want):
    if isinstance(want, (pd.DataFrame, pd.Series)):
        assert type(got) is type(want)
        assert got.equals(want)
        assert got.index.equals(want.index)
    else:
        assert got == want


def test_ix_of_whole_numbers_is_labels():
    df = frame([3, 2, 1, 0])
    same(df.ix[3], df.loc[3])
    same(df.ix[3:1], df.loc[3:1])  # the end included
    same(df.ix[[0, 2], "b"], df.loc[[0, 2], "b"])
    same(df.ix[2, 1], df.loc[2, "b"])  # a column by its position
    same(df.ix[:, 1:], df[["b", "c"]])
    same(df.ix[2:1, :2], df.loc[2:1, ["a", "b"]])
    same(df.ix[df.a > 1], df[df.a > 1])
    same(df.ix[df.a > 1, 0], df[df.a > 1]["a"])
    same(df.ix[np.array([True, False, True, False]), [0, 2]], df.iloc[[0, 2], [0, 2]])
    same(df.ix[df.index[:2]], df.iloc[:2])
    same(df.ix[df.index[:2], -1], df.iloc[:2, -1])
    assert [df.ix[i, 1] for i in df.index.values] == df.b.tolist()
    with pytest.raises(KeyError):
        df.ix[7, 0]
    with pytest.raises(KeyError):
        df.ix[[0, 7], 0]


def test_ix_of_names_takes_positions():
    df = frame(list("wxyz"))
    same(df.ix[1], df.iloc[1])
    same(df.ix[-1], df.iloc[-1])
    same(df.ix[1:3], df.iloc[1:3])
    same(df.ix["x":"y"], df.loc["x":"y"])
    same(df.ix["x", 2], df.loc["x", "c"])
    same(df.ix["x":"y", :2], df.loc["x":"y", ["a", "b"]])
    same(df.ix[[0, 3], ["c", "a"]], df.iloc[[0, 3], [2, 0]])
    same(df.ix[range(2)], df.iloc[:2])
    same(df.ix["x", "a"], df.loc["x", "a"])
    same(df.a.ix[2], df.a.iloc[2])
    same(df.a.ix["w":"x"], df.a.loc["w":"x"])


def test_ix_sets():
    df = frame()
    df.ix[df.a > 2, "b"] = 100
    df.ix[0, 2] = -1
    df.ix[1:2, 0] = 50
    df.ix[9] = 7  # a new row
    want = [[0, 1, -1], [50, 100, 0], [50, 2, 3], [4, 100, 1], [7, 7, 7]]
    assert df.values.tolist() == want
    assert df.index.tolist() == [0, 1, 2, 3, 9]


def test_sort_and_order():
    df = frame([3, 2, 1, 0])
    same(df.sort("b"), df.sort_values("b"))
    same(df.sort(["b", "a"], ascending=[False, True]), df.sort_values(["b", "a"], ascending=[0, 1]))
    same(df.sort(), df.sort_index())
    same(df.a.order(ascending=False), df.a.sort_values(ascending=False))
    series = df.b.copy()
    assert series.sort() is None
    same(series, df.b.sort_values())
    assert df.sort("b", inplace=True) is None
    assert df.b.is_monotonic_increasing


def test_as_matrix():
    df = frame()
    np.testing.assert_array_equal(df.as_matrix(), df.values)
    np.testing.assert_array_equal(df.as_matrix(["c", "a"]), df[["c", "a"]].values)
    np.testing.assert_array_equal(df.a.as_matrix(), df.a.values)


def test_columns_of_these_names_come_first():
    df = pd.DataFrame({"ix": [1, 2], "sort": [3, 4]})
    assert df.ix.tolist() == [1, 2]
    df.sort = [5, 6]
    assert df["sort"].tolist() == [5, 6]
    assert pd.Series([1, 2], index=["order", "ix"]).order == 1
    with pytest.raises(AttributeError):
        _ = df.no_such_name


def test_reading_by_the_former_path(tmp_path):
    from pandas.io.parsers import read_csv

    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert read_csv(tmp_path / "x.csv").values.tolist() == [[1, 2]]
