"""Download Kaggle's files into data/, or the folder that KFKD_DATA names: ``make data``.

Run as ``python -m kfkd.fetch``. It needs the package kagglehub and Kaggle's
credentials; data/README.md says how to get along without.
"""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

from kfkd.files import COMPETITION, LOOKUP, TEST, TRAIN, Source, configured_folder
from theano_today.atomic import atomic_write
from theano_today.errors import DataError, MissingFileError, SetupError, WriteError


def fetch(folder: Path) -> list[Path]:
    """Download the competition and unpack its CSV files.

    Parameters
    ----------
    folder : Path
        Where training.csv, test.csv and IdLookupTable.csv are to be.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    SetupError
        kagglehub is not installed.
    DataError
        Kaggle did not hand out the files, or they are broken.
    MissingFileError
        The download lacks one of them.
    WriteError
        The folder cannot be written.
    """
    try:
        kagglehub = importlib.import_module("kagglehub")
    except ImportError as error:
        raise SetupError(
            "kagglehub is not installed; run 'pip install kagglehub', "
            "or download the files as data/README.md says"
        ) from error
    try:
        download = Path(kagglehub.competition_download(COMPETITION))
    # kagglehub, and the network library below it, have no common exception.
    except Exception as error:
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise DataError(
            f"Kaggle did not hand out the files: {reason}; "
            "are its rules accepted and your credentials set? See data/README.md"
        ) from error
    return [_unpack(download, folder, name) for name in (TRAIN, TEST, LOOKUP)]


def _unpack(download: Path, folder: Path, name: str) -> Path:
    for candidate in (name, f"{name}.zip", f"{Path(name).stem}.zip"):
        found = next(iter(sorted(download.rglob(candidate))), None)
        if found is None:
            continue
        target = folder / name
        with Source(found, name, "kaggle").open() as f:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with atomic_write(target) as to:
                    shutil.copyfileobj(f, to, 1 << 20)
            except OSError as error:
                raise WriteError(f"{target}: cannot be written: {error.strerror}") from error
        return target
    raise MissingFileError(f"Kaggle's download in {download} holds no {name}")


def main() -> None:
    """Fetch, and say where to."""
    for path in fetch(configured_folder()):
        print(path)


if __name__ == "__main__":
    main()
