"""Serve the page that runs net2 in the browser: `make web`.

    python examples/web/serve.py                 # net2.pickle, port 8000
    python examples/web/serve.py net2.onnx --port 8765
    python examples/web/serve.py --only-fetch    # for later, without a network

Exports the net, fetches onnxruntime-web from the npm registry once (14 MB, its
checksum is pinned here) into build/web, and serves on this machine only; the
page then asks no other host for anything, which its security policy enforces.
Opening a pickle runs whatever code it holds.
"""

import argparse
import base64
import functools
import hashlib
import io
import os
import shutil
import sys
import tarfile
import urllib.request
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from theano_today.atomic import atomic_write
from theano_today.errors import (
    DataError,
    MissingFileError,
    WriteError,
    install_excepthook,
)

HERE = Path(__file__).resolve().parent
BUILT = ROOT / "build" / "web"

VERSION = "1.30.0"  # onnxruntime-web, MIT licence
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")

PAGES = ("index.html", "style.css", "app.mjs", "points.mjs")
TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8", ".wasm": "application/wasm",
    ".onnx": "application/octet-stream", ".png": "image/png",
}  # fmt: skip

HEADERS = {
    # The page and its parts come from here, whatever a script may ask for.
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; "
    "worker-src 'self' blob:; connect-src 'self'; img-src 'self' data: blob:; style-src 'self'; "
    "media-src 'self' blob: mediastream:; base-uri 'none'; form-action 'none'",
    # What browsers want before they give a page threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-cache",
}


def fetch_runtime(folder: Path = BUILT / "vendor") -> Path:
    """Get onnxruntime-web's three files, unless they are there."""
    mark = folder / "version"
    if mark.is_file() and mark.read_text() == VERSION:
        return folder
    npm = "npm_config_registry"  # the variable that npm itself reads
    registry = os.environ.get(npm, "https://registry.npmjs.org").rstrip("/")
    address = f"{registry}/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
    print(f"fetching {address}", flush=True)
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            data = answer.read()
    except OSError as error:
        raise MissingFileError(
            f"{address} cannot be fetched ({error}); a copy of the registry can be named in "
            "npm_config_registry"
        ) from None
    unpack_runtime(data, folder)
    mark.write_text(VERSION)
    return folder


def unpack_runtime(data: bytes, folder: Path) -> None:
    """Write the runtime's files out of its package, whose checksum must be the one we know."""
    found = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != SHA512:
        raise DataError(f"onnxruntime-web {VERSION}: its checksum is {found}, expected {SHA512}")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as package:
        for name in RUNTIME:
            member = package.extractfile(f"package/dist/{name}")
            assert member is not None
            with atomic_write(folder / name) as f:
                shutil.copyfileobj(member, f)


def prepare_net(path: Path) -> Path:
    """The net as ONNX: the file itself, or an export of the pickle, made now."""
    if path.suffix == ".onnx":
        if not path.is_file():
            raise MissingFileError(f"there is no {path}; python -m theano_today.export writes it")
        return path
    exported = BUILT / "net2.onnx"
    if not path.is_file():
        raise MissingFileError(
            f"there is no {path}; train the net with `make train` first, or name its pickle"
        )
    print(f"exporting {path}", flush=True)
    from theano_today.export.__main__ import main as export

    if code := export([str(path), str(exported)]):
        raise SystemExit(code)
    return exported


def example() -> bytes:
    """A PNG of a generated face before a wall, nobody's."""
    import numpy as np
    from PIL import Image

    from kfkd.faces import draw
    from kfkd.photos.predicting import MEAN

    rough = np.random.RandomState(0).randint(60, 120, (5, 7)).astype(np.uint8)
    wall = Image.fromarray(rough).resize((640, 480), Image.Resampling.BICUBIC)
    face, points = draw(3)
    # Generated faces are smaller in their pictures than Kaggle's are.
    x, y = points.reshape(15, 2).mean(0) + 0.5
    side = 96 * np.ptp(points[::2]) / np.ptp(MEAN[:, 0])
    corner = (x - side * MEAN[:, 0].mean() / 96, y - side * MEAN[:, 1].mean() / 96)
    box = (*corner, corner[0] + side, corner[1] + side)
    large = Image.fromarray(face).resize((480, 480), Image.Resampling.BICUBIC, box=box)
    wall.paste(large, (80, 0))
    data = io.BytesIO()
    wall.save(data, "PNG")
    return data.getvalue()


class Handler(SimpleHTTPRequestHandler):
    """Serves the page's files, and nothing else of this machine."""

    def __init__(self, *args, net: Path, picture: bytes, quiet: bool, **kwargs):
        self.net, self.picture, self.quiet = net, picture, quiet
        super().__init__(*args, **kwargs)

    def do_GET(self):
        # Another site's name that leads here (DNS rebinding) is not ours.
        if self.headers.get("Host", "").split(":")[0] not in ("127.0.0.1", "localhost"):
            self.send_error(403)
            return
        name = self.path.split("?")[0].removeprefix("/") or "index.html"
        if name == "example.png":
            self._send(TYPES[".png"], self.picture)
        elif name in PAGES:
            self._send(TYPES[Path(name).suffix], (HERE / name).read_bytes())
        elif name == "net2.onnx":
            self._send(TYPES[".onnx"], self.net.read_bytes())
        elif name in [f"vendor/{file}" for file in RUNTIME]:
            self._send(TYPES[Path(name).suffix], (BUILT / name).read_bytes())
        else:
            self.send_error(404)

    def _send(self, kind: str, data: bytes) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": kind, "Content-Length": len(data), **HEADERS}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    do_HEAD = None  # type: ignore[assignment]

    def log_message(self, *args):
        if not self.quiet:
            super().log_message(*args)


def server(net: Path, port: int, quiet: bool = True) -> ThreadingHTTPServer:
    """A server on 127.0.0.1; port 0 means any that is free."""
    handler = functools.partial(Handler, net=net, picture=example(), quiet=quiet)
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WriteError(f"port {port} cannot be used ({reason}); try --port 0") from None


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "net", nargs="?", type=Path, default=Path("net2.pickle"), help="a pickle, or NAME.onnx"
    )
    parser.add_argument("--port", type=int, default=8000, help="default: %(default)s; 0: any")
    parser.add_argument("--only-fetch", action="store_true", help="export and fetch, do not serve")
    parser.add_argument("--verbose", action="store_true", help="print each request")
    options = parser.parse_args(argv)
    install_excepthook()
    BUILT.mkdir(parents=True, exist_ok=True)
    fetch_runtime()
    net = prepare_net(options.net)
    if options.only_fetch:
        return 0
    with server(net, options.port, not options.verbose) as http:
        print(f"http://127.0.0.1:{http.server_port}/  (Ctrl-C ends it)", flush=True)
        try:
            http.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
