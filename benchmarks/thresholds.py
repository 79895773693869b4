"""Measure what chose the numbers that stand in the engine's kernels.

    python benchmarks/thresholds.py [--data DIR] [--runs N] [--only NAME]

The kernels are compiled once for each value of a threshold and timed in turns, in milliseconds of
one thread's CPU time, median (least to most), a batch of 128 images:

    few channels   a net's first stage, forward and backward, by its number of channels: V filters
                   side by side against blocks of channels (kernels/stage.hpp)
    TOGETHER       windows that Winograd's filtering transforms before it multiplies: net2's
                   second and third stage, forward (kernels/winograd.hpp)
    BAND_BYTES     of x under the rows whose winners are packed at a time: the same stages,
                   backward (kernels/hits.hpp)
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `load` is to be the one there, not benchmarks/load.py

from benchmarks.common import Spread, interleave, table  # noqa: E402

# Threshold: the file that has it, its text, and the text for another value.
TEXTS = {
    "few channels": ("stage.hpp", "return channels < 8;", "return channels < {};"),
    "TOGETHER": ("winograd.hpp", "TOGETHER = 36;", "TOGETHER = {};"),
    "BAND_BYTES": ("hits.hpp", "BAND_BYTES = 48 * 1024;", "BAND_BYTES = {} * 1024;"),
}
CHANNELS = (1, 2, 3, 4, 6, 8, 12, 16)
FILTERS = 32
WINDOWS = (6, 12, 18, 36, 72, 144)
KIBIBYTES = (12, 24, 48, 96, 192)

Call = Callable[[], object]


def main() -> None:
    """Measure and print three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="DIR", help="folder with training.csv")
    parser.add_argument("--runs", type=int, default=15, help="calls of each (default 15)")
    parser.add_argument("--only", choices=TEXTS, help="one of the thresholds")
    options = parser.parse_args()
    if options.data:
        os.environ["KFKD_DATA"] = options.data
    os.environ["OMP_NUM_THREADS"] = "1"  # before anything of the engine is imported
    from benchmarks.net2_kernels import net2_kernels

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net2 = {n: kernel.call for n, kernel in net2_kernels(folder)}
        forward, backward = (
            {stage: net2[f"{stage} {way}"] for stage in ("conv2", "conv3")}
            for way in ("forward", "backward")
        )
        for threshold, values, calls, head in (
            ("few channels", (max(CHANNELS) + 1, 1), first_stages(), "ms by channels"),
            ("TOGETHER", WINDOWS, forward, "ms by windows"),
            ("BAND_BYTES", KIBIBYTES, backward, "ms by KiB"),
        ):
            if options.only not in (None, threshold):
                continue
            builds = {str(v): compiled(threshold, v, folder) for v in values}
            found = measured(builds, calls, options.runs)
            print(f"{threshold}: {head}\n")
            if threshold == "few channels":
                names = dict(
                    zip(builds, ("filters side by side", "blocks of channels"), strict=True)
                )
                found = {
                    call: {names[build]: spread for build, spread in row.items()}
                    for call, row in found.items()
                }
            print(table(found), end="\n\n")


def compiled(threshold: str, value: int, folder: Path) -> ctypes.CDLL:
    """Return the kernels with another value of one threshold."""
    import theano

    from theano_today.engine import library

    where = folder / f"{threshold}-{value}".replace(" ", "-")
    where.mkdir()
    file, text, other = TEXTS[threshold]
    for source in library.KERNELS.iterdir():
        code = source.read_text()
        if source.name == file:
            assert code.count(text) == 1, f"{file} has no {text!r}"
            code = code.replace(text, other.format(value))
        (where / source.name).write_text(code)
    compiler = theano.config.cxx
    flags = [*library.FLAGS, *library.target_flags(compiler)[0]]
    command = [*shlex.split(compiler), *flags, str(where / "glue.cpp"), "-o", str(where / "k.so")]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(where / "k.so"))
    library._declare(loaded)
    loaded.today_set_threads(1)
    return loaded


def measured(
    builds: Mapping[str, ctypes.CDLL], calls: Mapping[str, Call], runs: int
) -> dict[str, dict[str, Spread]]:
    """Return each call's milliseconds by each build."""
    from theano_today.engine import library

    def turn(build: ctypes.CDLL, call: Call) -> Callable[[], dict[str, float]]:
        def measure() -> dict[str, float]:
            usual = library.kernels, library.stages
            library.kernels = library.stages = lambda: build  # type: ignore[assignment]
            try:
                begin = time.process_time()
                call()
                return {"ms": 1e3 * (time.process_time() - begin)}
            finally:
                library.kernels, library.stages = usual

        return measure

    found: dict[str, dict[str, Spread]] = {}
    for name, call in calls.items():
        turns = {build: turn(loaded, call) for build, loaded in builds.items()}
        spreads = interleave(turns, runs, warmups=2)
        found[name] = {build: spread["ms"] for build, spread in spreads.items()}
    return found


def first_stages() -> dict[str, Call]:
    """Return a training step's calls of a first stage, by channels and size of its filters."""
    return dict(_first_stages())


def _first_stages() -> Iterable[tuple[str, Call]]:
    import numpy as np

    from theano_today.engine import library
    from theano_today.engine.conv_pool.op import ConvPool

    rng = np.random.RandomState(0)
    for size in (2, 3):
        op = ConvPool(
            (size, size), (0, 0, 0, 0), flip=False, rectify=True, ignore_border=True,
            bias=True, x_blocked=False,
        )  # fmt: skip
        for channels in CHANNELS:
            x = rng.randn(128, channels, 32, 32).astype("float32")
            w = rng.randn(FILTERS, channels, size, size).astype("float32")
            stage = op.stage_shape(x.shape, w, dx_blocked=False, p_blocked=True)
            shape = (
                128, library.blocks(FILTERS), stage.pool_rows, stage.pool_columns, library.lanes()
            )  # fmt: skip
            arrays = {
                "x": x, "w": w, "b": np.zeros(FILTERS, "float32"),
                "p": np.empty(shape, "float32"), "winners": np.empty(shape, "uint8"),
                "g": rng.randn(*shape).astype("float32"),
                "dw": np.empty_like(w), "db": np.empty(FILTERS, "float32"),
            }  # fmt: skip

            def step(stage=stage, arrays=arrays) -> None:
                link = library.link(stage, **arrays)
                library.call_chain("today_forward", [link])
                library.call_chain("today_backward", [link])

            yield f"{channels} channels, {size}x{size}", step


if __name__ == "__main__":
    main()
