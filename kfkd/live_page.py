"""The page of ``--live`` as HTML: one file, no script, no colour needed to understand it."""

from __future__ import annotations

import base64
import html
import io
import math
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kfkd.snapshots import Snapshots
from kfkd.tutorial import Point

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 400, 78, 58, 40, 70
MOST = 300  # points of a curve
SIDE = 96
ROW = 4  # faces in a row

STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #bbb;
  --train: #0072b2; --valid: #b35c00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eee; --paper: #181818; --line: #555; --train: #56b4e9; --valid: #e69f00; } }
body { font: 16px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 46rem; margin: 1rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; }
svg { width: 100%; height: auto; } text { fill: var(--ink); font-size: 14px; }
span { white-space: nowrap; margin-right: 1rem; }
span svg { width: 42px; vertical-align: middle; }
.grid { stroke: var(--line); stroke-width: 1; }
.train { stroke: var(--train); } .valid { stroke: var(--valid); stroke-dasharray: 7 4; }
polyline, .key { fill: none; stroke-width: 2.5; }
.point { fill: var(--paper); stroke-width: 2.5; stroke-dasharray: none; }
.true { fill: none; stroke: #000; stroke-width: 2.4; }
.rim { fill: none; stroke: #f0e442; stroke-width: 1.2; }
.dark { stroke: #000; stroke-width: 3; } .cross { stroke: #56b4e9; stroke-width: 1.4; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .1rem .8rem .1rem 0; }
@media (max-width: 30rem) { text { font-size: 22px; } table { font-size: .8rem; }
  th, td { padding-right: .45rem; } }
"""


def page(
    name: str, history: Sequence[dict[str, Any]], published: Sequence[Point],
    snapshots: Snapshots, picture: str, *, epochs: int, faces: str, refresh: float,
) -> str:  # fmt: skip
    """Return the whole page.

    Parameters
    ----------
    name : str
        The net's.
    history : sequence of dict
        ``train_history_``.
    published : sequence of Point
        The tutorial's losses.
    snapshots : Snapshots
        The last one is shown, if there is one.
    picture : str
        The faces, of `sprite`.
    epochs : int
        How many will be trained.
    faces : {"kaggle", "generated"}
    refresh : float
        Seconds until a browser loads it anew; 0 for a run that has ended.
    """
    name = html.escape(name)
    rows = [row for row in history if _finite(row)]
    last = rows[-1] if rows else None
    state = "ended" if not refresh else "training"
    title = f"{name}: {state}, epoch {len(history)} of {max(epochs, len(history))}"
    whose = "Kaggle's faces" if faces == "kaggle" else "generated faces"
    said = "no epoch has ended yet"
    if last is not None:
        said = (
            f"training loss {last['train_loss']:.6f}, validation loss {last['valid_loss']:.6f}: "
            f"RMSE {_rmse(last['valid_loss']):.2f} pixels, {last['dur']:.1f} s an epoch"
        )
    reload_tag = f'<meta http-equiv="refresh" content="{refresh:g}">' if refresh else ""
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{reload_tag}',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<h1>{title}</h1><p>On {whose}; {said}. Written at {time.strftime('%H:%M:%S')}.</p>",
    ]
    if rows:
        parts += ["<h2>Learning curves</h2>", _curves(rows, published, said)]
    if snapshots.epochs and picture:
        parts += [f"<h2>Validation faces after epoch {snapshots.epochs[-1]}</h2>"]
        parts += [_faces(snapshots, picture)]
    if rows:
        parts += ["<h2>The last epochs</h2>", _table(rows[-8:])]
    return "".join([*parts, "</body></html>\n"])


def sprite(faces: NDArray[np.uint8]) -> str:
    """Return the faces, four in a row, as the text of an image: a data URL."""
    from PIL import Image

    rows = math.ceil(len(faces) / ROW)
    sheet = np.zeros((rows * SIDE, ROW * SIDE), np.uint8)
    for i, face in enumerate(faces):
        y, x = SIDE * (i // ROW), SIDE * (i % ROW)
        sheet[y : y + SIDE, x : x + SIDE] = face
    f = io.BytesIO()
    Image.fromarray(sheet).save(f, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(f.getvalue()).decode()}"


def _curves(rows: list[dict[str, Any]], published: Sequence[Point], said: str) -> str:
    if len(rows) > MOST:
        places = np.unique(np.geomspace(1, len(rows), MOST).round().astype(int)) - 1
        rows = [rows[i] for i in places]
    curves = {kind: [(r["epoch"], r[f"{kind}_loss"]) for r in rows] for kind in ("train", "valid")}
    points = {
        "train": [(p.epoch, p.train_loss) for p in published],
        "valid": [(p.epoch, p.valid_loss) for p in published],
    }
    everything = [v for pairs in (*curves.values(), *points.values()) for _, v in pairs]
    epochs = [e for pairs in (*curves.values(), *points.values()) for e, _ in pairs]
    x = _Log(1, max(*epochs, 10), LEFT, WIDTH - RIGHT)
    y = _Log(min(everything) / 1.15, max(everything) * 1.15, HEIGHT - BOTTOM, TOP)

    out = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Loss of each epoch, both '
        f'axes logarithmic; at the last one {html.escape(said)}">'
    ]
    for value in x.ticks():
        out.append(f'<path class="grid" d="M{x(value):.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        out.append(_text(x(value), HEIGHT - BOTTOM + 25, f"{value:g}", "middle"))
    for value in y.ticks():
        out.append(f'<path class="grid" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>')
        out.append(_text(LEFT - 6, y(value) + 5, f"{value:g}", "end"))
        out.append(_text(WIDTH - RIGHT + 6, y(value) + 5, f"{_rmse(value):.3g}", "start"))
    out.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, "epoch", "middle"))
    out.append(_text(4, 18, "loss", "start"))
    out.append(_text(WIDTH - 4, 18, "RMSE in pixels", "end"))
    for kind, pairs in curves.items():
        line = " ".join(f"{x(e):.1f},{y(v):.1f}" for e, v in pairs)
        out.append(f'<polyline class="{kind}" points="{line}"/>')
        if len(pairs) == 1:
            out.append(f'<circle class="point {kind}" cx="{x(1):.1f}" cy="{y(pairs[0][1]):.1f}"/>')
    for kind, pairs in points.items():
        out += [_mark(kind, x(e), y(v)) for e, v in pairs]
    return "".join([*out, "</svg>", _key(bool(published))])


def _key(published: bool) -> str:
    items = [
        ('<path class="key train" d="M2 8H40"/>', "training"),
        ('<path class="key valid" d="M2 8H40"/>', "validation"),
    ]
    if published:
        items += [
            (_mark("train", 21, 8), "training, the tutorial"),
            (_mark("valid", 21, 8), "validation, the tutorial"),
        ]
    entries = (
        f'<span><svg viewBox="0 0 42 16" aria-hidden="true">{drawing}</svg> {text}</span>'
        for drawing, text in items
    )
    return f"<p>{' '.join(entries)}</p>"


def _mark(kind: str, x: float, y: float) -> str:
    if kind == "train":
        return f'<circle class="point train" cx="{x:.1f}" cy="{y:.1f}" r="5.5"/>'
    return f'<rect class="point valid" x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"/>'


def _faces(snapshots: Snapshots, picture: str) -> str:
    points, truth = snapshots.points[-1], snapshots.truth
    errors = np.sqrt(np.mean((points - truth) ** 2, axis=1)) * 48
    height = SIDE * math.ceil(len(truth) / ROW)
    # Each shape is one path, so that the page stays small.
    true, predicted = [], []
    for i in range(len(truth)):
        dx, dy = SIDE * (i % ROW), SIDE * (i // ROW)
        for x, y in truth[i].reshape(-1, 2) * 48 + 48:
            true.append(f"M{x + dx - 2:.1f} {y + dy:.1f}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0")
        for x, y in points[i].reshape(-1, 2) * 48 + 48:
            at_x, at_y = (min(max(v, 0), SIDE) for v in (x, y))
            predicted.append(
                f"M{at_x + dx - 1.7:.1f} {at_y + dy - 1.7:.1f}l3.4 3.4m0 -3.4l-3.4 3.4"
            )
    circles, crosses = "".join(true), "".join(predicted)
    return (
        f'<svg viewBox="0 0 {SIDE * ROW} {height}" role="img" aria-label="{len(truth)} faces with '
        f"true and predicted keypoints; their RMSE goes from {errors.min():.1f} to "
        f'{errors.max():.1f} pixels"><image href="{picture}" width="{SIDE * ROW}" '
        f'height="{height}"/><path class="true" d="{circles}"/><path class="rim" d="{circles}"/>'
        f'<path class="dark" d="{crosses}"/><path class="cross" d="{crosses}"/></svg>'
        "<p>Circles: true keypoints. Crosses: predicted.</p>"
    )


def _table(rows: Iterable[dict[str, Any]]) -> str:
    names = ("epoch", "training loss", "validation loss", "RMSE", "seconds")
    out = ["<table><tr>", *(f'<th scope="col">{name}</th>' for name in names), "</tr>"]
    for row in rows:
        out.append(
            f"<tr><td>{row['epoch']}</td><td>{row['train_loss']:.6f}</td>"
            f"<td>{row['valid_loss']:.6f}</td><td>{_rmse(row['valid_loss']):.2f}</td>"
            f"<td>{row['dur']:.1f}</td></tr>"
        )
    return "".join([*out, "</table>"])


class _Log:
    """A logarithmic axis: values -> places on the page."""

    def __init__(self, lowest: float, highest: float, start: float, end: float) -> None:
        self.lowest, self.highest = lowest, max(highest, lowest * 1.5)
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = math.log(value / self.lowest) / math.log(self.highest / self.lowest)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        decades = range(
            math.floor(math.log10(self.lowest)), math.ceil(math.log10(self.highest)) + 1
        )
        for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
            found = [s * 10.0**d for d in decades for s in steps]
            found = [v for v in found if self.lowest <= v <= self.highest]
            if len(found) >= 4:
                break
        return found


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _rmse(loss: float) -> float:
    return loss**0.5 * 48


def _finite(row: dict[str, Any]) -> bool:
    return all(math.isfinite(row[f"{kind}_loss"]) and row[f"{kind}_loss"] > 0
               for kind in ("train", "valid"))  # fmt: skip
