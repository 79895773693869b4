"""subprocess: pipes take text, and give what mixes with it; check_output gives text."""

import subprocess as today
import sys
from typing import Any

from theano_today.python2 import files, strings
from theano_today.python2.modules import vary


def check_output(*arguments, **options):
    return files.to_text(today.check_output(*arguments, **options))


_OF_TEXT = ("universal_newlines", "text", "encoding", "errors")


class Popen(today.Popen):
    """A process; its pipes are those of strings, unless they are asked to be of text."""

    def __init__(self: Any, args, bufsize=0, *arguments, **options):
        # 0, Python 2's default: what is written is there at once. Text has to have a buffer.
        if bufsize == 0 and any(options.get(name) for name in _OF_TEXT):
            bufsize = -1
        super().__init__(args, bufsize, *arguments, **options)
        if self.text_mode:
            return
        if self.stdin is not None:
            self.stdin = (files.BytesWriter if bufsize else files.AtOnce)(self.stdin)
        if self.stdout is not None:
            self.stdout = files.PipeReader(self.stdout)
        if self.stderr is not None:
            self.stderr = files.PipeReader(self.stderr)

    def communicate(self: Any, input=None, timeout=None):
        if not self.text_mode:
            input = files.to_bytes(input)
        return strings.as_string(super().communicate(input, timeout))


vary(sys.modules[__name__], today)
