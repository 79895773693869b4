"""Where the faces come from: Kaggle's CSV files, plain or still zipped, or generated ones."""

from __future__ import annotations

import functools
import lzma
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from theano_today.errors import DataError, MissingFileError, UserError

TRAIN = "training.csv"
TEST = "test.csv"
LOOKUP = "IdLookupTable.csv"
COMPETITION = "facial-keypoints-detection"

DATA_VARIABLE = "KFKD_DATA"  # an environment variable: the folder of the CSV files

DATA = Path(__file__).resolve().parent.parent / "data"

_GENERATED = "generated-v"
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


@dataclass(frozen=True)
class Source:
    """A CSV file and how to read it.

    Attributes
    ----------
    path : Path
        The CSV, or the zip that holds it.
    name : str
        "training.csv", "test.csv" or "IdLookupTable.csv".
    kind : str
        "kaggle" or "generated".
    """

    path: Path
    name: str
    kind: str

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The CSV's bytes, seekable.

        Raises
        ------
        DataError
            The path is not a file, cannot be read, or is a broken zip.
        MissingFileError
            The file has gone, or is a link to nothing.
        """
        self.fingerprint()
        with ExitStack() as stack:
            try:
                f: IO[bytes] = stack.enter_context(self.path.open("rb", buffering=1 << 17))
                if self.path.name != self.name:
                    f = self._member(stack, f)
                yield f
            except UserError:
                raise
            except _BROKEN_ZIP as error:
                raise DataError(
                    f"{self.path}: broken zip ({_one_line(error)}); download it again"
                ) from error
            except OSError as error:
                raise _unreadable(self.path, error) from error

    def fingerprint(self) -> list[int]:
        """Numbers that change when the file does: size, modification and change time in ns.

        Raises
        ------
        DataError, MissingFileError
            As `open`.
        """
        try:
            s = self.path.stat()
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if not stat.S_ISREG(s.st_mode):
            what = "a folder" if stat.S_ISDIR(s.st_mode) else "not a regular file"
            raise DataError(f"{self.path}: is {what}, expected Kaggle's {self.name}")
        # The change time tells an edit by a program that puts the modification time back.
        return [s.st_size, s.st_mtime_ns, s.st_ctime_ns]

    def _member(self, stack: ExitStack, f: IO[bytes], nested: bool = False) -> IO[bytes]:
        archive = stack.enter_context(zipfile.ZipFile(f))
        zips = [] if nested else [f"{self.name}.zip", f"{Path(self.name).stem}.zip"]
        for wanted in [self.name, *zips]:
            for info in archive.infolist():
                if Path(info.filename).name != wanted:
                    continue
                if info.flag_bits & 1:
                    raise DataError(f"{self.path}: is encrypted; unpack {wanted} by hand")
                member = stack.enter_context(archive.open(info))
                if wanted == self.name:
                    return member
                # Kaggle's zip of everything holds a zip of each file.
                return self._member(stack, member, nested=True)
        raise DataError(f"{self.path}: holds no {self.name}")


def configured_folder() -> Path:
    """The folder that KFKD_DATA names now, or else data/ beside load.py."""
    given = os.environ.get(DATA_VARIABLE)
    return expanded(given) if given else DATA


def expanded(path: str) -> Path:
    """`path` with "~" understood, which a shell does not expand in --data=~/faces."""
    # Not Path.expanduser: that one raises where there is no home folder.
    return Path(os.path.expanduser(path))  # noqa: PTH111


def find(name: str) -> Source | None:
    """Find a CSV of Kaggle's, None where generated faces are to stand in.

    Parameters
    ----------
    name : str
        "training.csv", "test.csv" or "IdLookupTable.csv".

    Raises
    ------
    MissingFileError
        The file is not in the folder that KFKD_DATA names, or only the other one is in data/.
    """
    folder = configured_folder()
    path = _look(folder, name)
    if path is not None:
        # KFKD_DATA may point at generated faces, which must not be called Kaggle's.
        generated = folder.resolve().name.startswith(_GENERATED)
        return Source(path, name, "generated" if generated else "kaggle")
    if os.environ.get(DATA_VARIABLE):
        if not folder.is_dir():
            raise MissingFileError(f"KFKD_DATA names {folder}, which is not a folder")
        raise MissingFileError(
            f"no {name} in {folder}, the folder that KFKD_DATA names; see data/README.md"
        )
    if _look(folder, TRAIN if name == TEST else TEST) is not None:
        raise MissingFileError(f"no {name} in {folder}; download it as data/README.md says")
    return None


def find_or_draw(name: str) -> Source:
    """As `find`; where it finds nothing, announce generated faces, and draw them once.

    Raises
    ------
    MissingFileError
        As `find`.
    DataError
        There is no folder to write the generated faces into.
    """
    source = find(name)
    if source is not None:
        return source
    stand_in = "generated test faces" if name == TEST else "training on generated faces"
    print(f"no data/{name}: {stand_in}; see data/README.md", flush=True)
    folders = [DATA / _generated_name(), _user_cache() / _generated_name()]
    for folder in folders:
        if (folder / name).is_file():
            return Source(folder / name, name, "generated")
    print(f"drawing {name}, once; this takes half a minute ...", flush=True)
    problem = ""
    for folder in [*folders, Path(_temporary().name)]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return Source(_faces().write_csv(folder, test=name == TEST), name, "generated")
        except OSError as error:
            problem = problem or _one_line(error)
    raise DataError(f"cannot write the generated faces to {folders[0]}: {problem}")


def source(test: bool = False) -> str:
    """Which faces `load` reads, for captions and logs.

    Parameters
    ----------
    test : bool
        As for `load`.

    Returns
    -------
    str
        "kaggle" or "generated".

    Raises
    ------
    MissingFileError
        As `find`.
    """
    found = find(TEST if test else TRAIN)
    return found.kind if found is not None else "generated"


def _look(folder: Path, name: str) -> Path | None:
    names = (name, f"{name}.zip", f"{Path(name).stem}.zip", f"{COMPETITION}.zip")
    # lexists: a broken link means that a file went astray; do not draw faces instead.
    return next((folder / n for n in names if os.path.lexists(folder / n)), None)


def _faces():
    from kfkd import faces  # only where it is needed: most users have Kaggle's files

    return faces


def _generated_name() -> str:
    # Faces drawn by another version of the code are not found, hence drawn anew.
    return f"{_GENERATED}{getattr(_faces(), 'VERSION', 1)}"


def _user_cache() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return Path(folder) / "net2"


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="net2-generated-")  # kept until Python exits


def _unreadable(path: Path, error: OSError) -> DataError | MissingFileError:
    if isinstance(error, FileNotFoundError):
        broken = "is a link to a file that is not there" if path.is_symlink() else "is not there"
        return MissingFileError(f"{path}: {broken}; see data/README.md")
    return DataError(f"{path}: cannot be read: {_one_line(error)}")


def _one_line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
