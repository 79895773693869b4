"""notebooks/net2.ipynb: runs from top to bottom; what is committed is what it gives, and small."""

import json
import os
import sys

import pytest

from tests.fresh_python import ROOT

PATH = ROOT / "notebooks/net2.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(PATH.read_text(encoding="utf-8"))["cells"]


def text(cell):
    return "".join(
        "".join(output.get("text", output.get("data", {}).get("text/plain", "")))
        for output in cell["outputs"]
    )


def test_committed_outputs(cells):
    assert PATH.stat().st_size < 500_000
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    kinds = [output["output_type"] for cell in code for output in cell["outputs"]]
    assert "error" not in kinds
    assert "training on generated faces" in "".join(map(text, code))
    pictures = [
        (name, output["metadata"].get(name, {}).get("alt"))
        for cell in code
        for output in cell["outputs"]
        for name in output.get("data", {})
        if name.startswith("image/")
    ]
    assert len(pictures) == 3
    assert all(alt for _, alt in pictures)


@pytest.mark.long
def test_runs_from_top_to_bottom(cells):
    pytest.importorskip("nbclient", reason="nbclient: pip install -r requirements-examples.txt")
    pytest.importorskip("ipykernel", reason="ipykernel: pip install -r requirements-examples.txt")
    import nbformat
    from nbclient import NotebookClient

    # The kernel of this Python, whatever kernels are registered on the machine.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    notebook = nbformat.read(PATH, as_version=4)
    folder = {"metadata": {"path": str(PATH.parent)}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=folder).execute()
    printed = "".join(text(cell) for cell in notebook.cells if cell["cell_type"] == "code")
    assert "((2140, 1, 96, 96), (2140, 30))" in printed
    assert "Conv2DLayer" in printed
    assert "    10  |" in printed
    assert "the same predictions: True" in printed
    assert sys.executable
