"""Temporary environment variables."""

import os
from contextlib import contextmanager


@contextmanager
def environment(**variables: str):
    """Sets them for both clients: `os.environ` also changes the C environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
