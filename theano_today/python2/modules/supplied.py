"""Modules that Python 3 renamed or dropped, under the names of Python 2.

They work by plain ``import theano_today``, where no module of that name is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any

from theano_today import hooks

# The former name: the modules of today whose names it has.
RENAMED = {
    "BaseHTTPServer": "http.server",
    "CGIHTTPServer": "http.server",
    "ConfigParser": "configparser",
    "Cookie": "http.cookies",
    "Dialog": "tkinter.dialog",
    "DocXMLRPCServer": "xmlrpc.server",
    "FileDialog": "tkinter.filedialog",
    "HTMLParser": "html.parser",
    "Queue": "queue",
    "ScrolledText": "tkinter.scrolledtext",
    "SimpleDialog": "tkinter.simpledialog",
    "SimpleHTTPServer": "http.server",
    "SimpleXMLRPCServer": "xmlrpc.server",
    "SocketServer": "socketserver",
    "Tkconstants": "tkinter.constants",
    "Tkinter": "tkinter",
    "UserList": "collections",
    "UserString": "collections",
    "_winreg": "winreg",
    "anydbm": "dbm",
    "cPickle": "theano_today.python2.modules.cPickle",
    "cookielib": "http.cookiejar",
    "copy_reg": "copyreg",
    "dumbdbm": "dbm.dumb",
    "dummy_thread": "_thread",
    "dummy_threading": "threading",
    "gdbm": "dbm.gnu",
    "htmlentitydefs": "html.entities",
    "httplib": "http.client",
    "markupbase": "_markupbase",
    "md5": "hashlib",
    "repr": "reprlib",
    "robotparser": "urllib.robotparser",
    "sets": "builtins",
    "sha": "hashlib",
    "thread": "_thread",
    "tkColorChooser": "tkinter.colorchooser",
    "tkCommonDialog": "tkinter.commondialog",
    "tkFileDialog": "tkinter.filedialog",
    "tkFont": "tkinter.font",
    "tkMessageBox": "tkinter.messagebox",
    "tkSimpleDialog": "tkinter.simpledialog",
    "ttk": "tkinter.ttk",
    "urlparse": "urllib.parse",
    "whichdb": "dbm",
    "xmlrpclib": "xmlrpc.client",
    "email.Encoders": "email.encoders",
    "email.MIMEBase": "email.mime.base",
    "email.MIMEImage": "email.mime.image",
    "email.MIMEMultipart": "email.mime.multipart",
    "email.MIMEText": "email.mime.text",
    "email.Utils": "email.utils",
    # The Python Imaging Library before Pillow.
    "Image": "PIL.Image",
    "ImageChops": "PIL.ImageChops",
    "ImageDraw": "PIL.ImageDraw",
    "ImageEnhance": "PIL.ImageEnhance",
    "ImageFilter": "PIL.ImageFilter",
    "ImageFont": "PIL.ImageFont",
    "ImageOps": "PIL.ImageOps",
}

# Those that were put together, by the functions below.
MADE = (
    "StringIO",
    "UserDict",
    "__builtin__",
    "cStringIO",
    "commands",
    "exceptions",
    "future_builtins",
    "new",
    "urllib2",
)
NAMES = frozenset({*RENAMED, *MADE})


def install() -> None:
    for name in NAMES:
        hooks.supply(name, fill)


def fill(module: ModuleType) -> None:
    """Put the names of the module that `module` is today into it.

    Raises
    ------
    ModuleNotFoundError
        If Python or this machine has no such module: Tkinter without Tk, Image without Pillow.
    """
    name = module.__name__
    if name in RENAMED:
        _take_all(module, RENAMED[name])
    make = globals().get(f"_{name.strip('_').replace('.', '_')}")
    if make is not None:
        make(module)


def _take_all(module: ModuleType, name: str) -> None:
    today = importlib.import_module(name)
    kept = {n: value for n, value in vars(today).items() if not n.startswith("__")}
    module.__dict__.update(kept)
    if hasattr(today, "__all__"):
        module.__dict__["__all__"] = list(today.__all__)


def _set(module: ModuleType, /, **names: Any) -> None:
    module.__dict__.update(names)


def _StringIO(module: ModuleType) -> None:
    from theano_today.python2.memory import StringIO

    _set(module, StringIO=StringIO, InputType=StringIO, OutputType=StringIO)


_cStringIO = _StringIO


def _UserDict(module: ModuleType) -> None:
    import collections
    import collections.abc

    _set(
        module,
        UserDict=collections.UserDict,
        IterableUserDict=collections.UserDict,
        DictMixin=collections.abc.MutableMapping,
    )


def _builtin(module: ModuleType) -> None:
    import builtins

    from theano_today.python2 import names

    _set(module, **vars(builtins))
    _set(module, **{name: getattr(names, name) for name in names.__all__})
    module.__dict__["__name__"] = "__builtin__"


def _commands(module: ModuleType) -> None:
    import subprocess
    from shlex import quote

    _set(
        module,
        getoutput=subprocess.getoutput,
        getstatusoutput=subprocess.getstatusoutput,
        mkarg=lambda text: " " + quote(text),
    )


def _exceptions(module: ModuleType) -> None:
    import builtins

    errors = {
        name: value
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    _set(module, **errors, StandardError=Exception)


def _future_builtins(module: ModuleType) -> None:
    _set(module, ascii=ascii, filter=filter, hex=hex, map=map, oct=oct, zip=zip)


def _new(module: ModuleType) -> None:
    import types

    _set(
        module,
        classobj=type,
        function=types.FunctionType,
        instancemethod=types.MethodType,
        **{"module": types.ModuleType},
    )


def _urllib2(module: ModuleType) -> None:
    for name in ("urllib.request", "urllib.error", "urllib.parse"):
        _take_all(module, name)
    module.__dict__.pop("__all__", None)


# What a renamed module lost besides.


def _ConfigParser(module: ModuleType) -> None:
    if "SafeConfigParser" not in vars(module):
        _set(module, SafeConfigParser=module.ConfigParser)


def _HTMLParser(module: ModuleType) -> None:
    import html

    class HTMLParseError(Exception):
        """Raised no more."""

    if not hasattr(module.HTMLParser, "unescape"):
        parser = type(
            "HTMLParser",
            (module.HTMLParser,),
            {"unescape": lambda self, text: html.unescape(text)},
        )
        _set(module, HTMLParser=parser)
    _set(module, HTMLParseError=HTMLParseError)


def _md5(module: ModuleType) -> None:
    import hashlib

    from theano_today.python2 import files

    def md5(data=""):
        return hashlib.md5(files.to_bytes(data))

    _set(module, new=md5, md5=md5)


def _sha(module: ModuleType) -> None:
    import hashlib

    from theano_today.python2 import files

    def sha(data=""):
        return hashlib.sha1(files.to_bytes(data))

    _set(module, new=sha, sha=sha)


def _sets(module: ModuleType) -> None:
    _set(module, Set=set, ImmutableSet=frozenset, BaseSet=set)


def _thread(module: ModuleType) -> None:
    import _thread

    _set(module, error=RuntimeError, start_new=_thread.start_new_thread)


_dummy_thread = _thread


def _UserString(module: ModuleType) -> None:
    _set(module, MutableString=module.UserString)


def _copy_reg(module: ModuleType) -> None:
    # Pickles name its private functions, which a filled module has as well.
    import copyreg

    _set(module, _reconstructor=copyreg._reconstructor)  # type: ignore[attr-defined]
