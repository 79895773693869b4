"""The page that runs the net in the browser: its server, and itself in a headless Chromium."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import http.client
import io
import sys
import threading

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone

from kfkd.photos import keypoints
from kfkd.photos.predicting import MEAN
from tests import chromium
from tests.examples.test_submission import SMALL
from tests.fresh_python import ROOT, fresh_python
from tests.photos import scene
from theano_today.errors import DataError, MissingFileError, UserError

sys.path.insert(0, str(ROOT / "examples/web"))
import serve

sys.path.pop(0)


@pytest.fixture
def address(tmp_path):
    """A server's port, with a file that stands for the net."""
    (tmp_path / "net2.onnx").write_bytes(b"the net")
    with serve.server(tmp_path / "net2.onnx", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def get(port, path, host="127.0.0.1"):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def test_what_is_served_and_nothing_else(address):
    for path in ("/", "/index.html", "/app.mjs", "/points.mjs?x", "/style.css"):
        status, headers, data = get(address, path)
        assert status == 200
        assert data
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert get(address, "/net2.onnx")[2] == b"the net"
    assert Image.open(io.BytesIO(get(address, "/example.png")[2])).size == (640, 480)
    for path in (
        "/serve.py",
        "/../serve.py",
        "/%2e%2e/serve.py",
        "//etc/passwd",
        "/vendor/",
        "/.git",
    ):
        assert get(address, path)[0] == 404
    assert get(address, "/", host="example.org")[0] == 403


def test_no_other_host_is_named():
    for name in serve.PAGES:
        text = (serve.HERE / name).read_text()
        assert "http://" not in text
        assert "https://" not in text


def test_a_wrong_package_is_not_used(tmp_path):
    with pytest.raises(DataError, match="checksum"):
        serve.unpack_runtime(b"something else", tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_errors_are_one_line(tmp_path, monkeypatch):
    with pytest.raises(MissingFileError, match="there is no"):
        serve.prepare_net(tmp_path / "none.pickle")
    with pytest.raises(MissingFileError, match=r"theano_today\.export writes it"):
        serve.prepare_net(tmp_path / "none.onnx")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    with pytest.raises(MissingFileError, match="npm_config_registry"):
        serve.fetch_runtime(tmp_path / "vendor")
    done = fresh_python(ROOT / "examples/web/serve.py", "--port", "x")
    assert done.returncode == 2


def test_a_port_that_is_taken(address, tmp_path):
    for port in (address, 99999):
        with pytest.raises(UserError, match=f"port {port} cannot be used"):
            serve.server(tmp_path / "net2.onnx", port)


def video(path, grey):
    """Write a film of one grey frame, as Chromium's fake camera plays it."""
    height, width = grey.shape
    light = np.round(16 + grey * (219 / 255)).astype(np.uint8)
    frame = b"FRAME\n" + light.tobytes() + b"\x80" * (width * height // 2)
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420\n".encode() + frame * 10)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page with a small net, in a browser whose camera shows a generated face."""
    pytest.importorskip("onnx", reason="onnx is not installed (requirements-examples.txt)")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from theano_today.export import export

    try:
        serve.fetch_runtime()
    except MissingFileError as error:
        pytest.skip(f"onnxruntime-web cannot be had: {error}")
    folder = tmp_path_factory.mktemp("page")
    np.random.seed(2)
    net = clone(SMALL)
    net.initialize_layers()
    # Points where a face has them, moved a little by what is seen.
    layer = net.layers_["output"]
    layer.W.set_value(layer.W.get_value() * 0.2)
    layer.b.set_value(((MEAN.reshape(30) - 48.5) / 48).astype("float32"))
    export(net, folder / "net2.onnx")
    grey, _ = scene(640, 480, [(3, 320, 240, 470, 0)])
    video(folder / "camera.y4m", grey)
    with serve.server(folder / "net2.onnx", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        flag = f"--use-file-for-fake-video-capture={folder / 'camera.y4m'}"
        with chromium.Chromium(folder / "profile", flag) as browser:
            browser.screen(360, 740)
            browser.open(f"http://127.0.0.1:{server.server_port}/")
            browser.wait("document.getElementById('status').textContent == 'Ready.'")
            yield browser, folder, grey
            hosts = {a.split("/")[2] for a in browser.addresses if a.startswith("http")}
            assert hosts == {f"127.0.0.1:{server.server_port}"}
        server.shutdown()


def status(browser):
    return browser.run("document.getElementById('status').textContent")


def chosen(browser, path):
    browser.run("window.lastPoints = null")
    browser.choose_file("#file", path)
    return np.array(browser.wait("window.lastPoints"))


@pytest.mark.long
@chromium.needed
def test_points_are_pythons(page):
    browser, folder, grey = page
    turned = Image.Exif()
    turned[0x0112] = 6
    pictures = {
        "grey.png": (Image.fromarray(grey), {}),
        "colour.png": (
            Image.merge("RGB", [Image.fromarray(np.roll(grey, 9 * i)) for i in range(3)]),
            {},
        ),
        "small.png": (Image.fromarray(grey).resize((60, 50)), {}),
        "turned.png": (Image.fromarray(grey), {"exif": turned}),
        "clear.png": (Image.fromarray(np.dstack([grey] * 3 + [grey])), {}),
    }
    for name, (picture, more) in pictures.items():
        picture.save(folder / name, **more)
        (wanted,) = keypoints(folder / name, folder / "net2.onnx", is_face=True)
        found = chosen(browser, folder / name)
        assert np.abs(found - wanted).max() < 0.002 * min(picture.size), name
        assert status(browser) == f"15 points in {name}."
    assert browser.messages == []


@pytest.mark.long
@chromium.needed
def test_camera(page):
    browser, folder, grey = page
    browser.run("window.lastPoints = null; document.getElementById('camera').click()")
    found = np.array(browser.wait("window.lastPoints"))
    (wanted,) = keypoints(grey, folder / "net2.onnx", is_face=True)
    assert np.abs(found - wanted).max() < 1
    browser.wait("document.getElementById('rate').textContent.endsWith('frames a second')")
    assert status(browser) == "The camera is on."
    browser.run("document.getElementById('camera').click()")
    assert status(browser) == "The camera is off."


@pytest.mark.long
@chromium.needed
def test_keys_move_the_square(page):
    browser, folder, grey = page
    Image.fromarray(grey).save(folder / "grey.png")
    before = chosen(browser, folder / "grey.png")
    browser.run("document.getElementById('example').focus()")
    browser.press("Tab", 3)  # over Across and Down to Size
    assert browser.run("document.activeElement.id") == "size"
    browser.press("ArrowLeft", 40)
    side = browser.run("480 * document.getElementById('size').value / 1000")
    assert side < 480
    browser.wait(f"Math.abs(window.lastPoints[0][0] - {before[0, 0]}) > 1")
    smaller = np.array(browser.run("window.lastPoints"))
    assert np.ptp(smaller[:, 0]) < np.ptp(before[:, 0])
    browser.press("ArrowRight", 40)
    browser.wait("document.getElementById('size').value == 1000")


@pytest.mark.long
@chromium.needed
def test_everything_has_a_name_and_fits_a_phone(page):
    browser, folder, _ = page
    assert browser.run("document.documentElement.scrollWidth") <= 360
    assert browser.run("[...document.querySelectorAll('input')].every((i) => i.labels.length == 1)")
    assert browser.run("document.documentElement.lang") == "en"
    assert "points" in browser.run("document.getElementById('stage').getAttribute('aria-label')")
    (folder / "bad.png").write_text("no picture")
    browser.choose_file("#file", folder / "bad.png")
    browser.wait(
        "document.getElementById('status').textContent.startsWith('bad.png is no picture')"
    )
    shades = []
    for scheme in ("light", "dark"):
        browser.screen(360, 740, scheme)
        shades.append(browser.run("getComputedStyle(document.body).backgroundColor"))
    assert shades == ["rgb(255, 255, 255)", "rgb(22, 24, 28)"]
