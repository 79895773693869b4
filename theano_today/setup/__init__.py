"""The machine: THEANO_FLAGS, the compiler, the device, the compile directory and its lock."""

from theano_today.setup import compile_lock, configure


def install() -> None:
    """Have everything found and set just before theano is imported."""
    compile_lock.install()
    configure.install()
