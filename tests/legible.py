"""What a reader sees of a figure: its texts, none clipped or on top of each other."""

from __future__ import annotations

from itertools import combinations
from unittest.mock import patch

from matplotlib.legend import Legend
from matplotlib.text import Text


def drawn_texts(figure):
    """The texts that are seen; a figure also has labels of ticks beyond its axes' limits."""
    drawn = {}
    draw = Text.draw

    def spy(text, renderer):
        if text.get_visible() and text.get_text().strip():
            drawn[id(text)] = text
        draw(text, renderer)

    with patch.object(Text, "draw", spy):
        figure.canvas.draw()
    return list(drawn.values())


def assert_legible(figure):
    """No text is clipped by the figure's edge, or runs into another one; give the texts."""
    texts = drawn_texts(figure)
    boxes = [text.get_window_extent().padded(-2) for text in texts]
    edge = figure.bbox
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= edge.x1 and box.y1 <= edge.y1
        assert inside, f"{text} is clipped"
    for (one, a), (other, b) in combinations(zip(texts, boxes, strict=True), 2):
        assert not a.overlaps(b), f"{one} runs into {other}"
    return [text.get_text() for text in texts]


def legend_labels(figure):
    return [t.get_text() for x in figure.findobj(Legend) for t in x.get_texts()]
