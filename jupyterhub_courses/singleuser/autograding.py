"""Runs the code of a submission without the grader's tokens.

Its kernel gets no JUPYTERHUB_* and no variable that names or holds a secret, and the process that starts it
hides its own environment from it. On one machine this is no sandbox: the kernel runs as the grader's
operating system user and can read that user's files and other processes. Real walls need a user, a container
or a pod of its own.
"""

import ctypes
import re
import sys
from collections.abc import Mapping
from os import environ
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from nbgrader.preprocessors import Execute

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|COOKIE|APIKEY|(^|_)KEY($|_)|(^|_)AUTH($|_)")
_OURS = re.compile(r"^(JUPYTERHUB|EXCHANGE|CONFIGPROXY|KUBERNETES)_")
#: user:password@host
_URL_WITH_PASSWORD = re.compile(r"://[^/\s@:]*:[^/\s@]+@")
_SHORTEST_SECRET = 8

_PR_SET_DUMPABLE = 4


def kernel_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables` without ours, those named like a secret, and those holding such a value."""
    # A path is no secret, and a short value ("1", "yes") would match anything.
    named = [value for name, value in variables.items() if _SECRET_NAME.search(name.upper())]
    secrets = [value for value in named if len(value) >= _SHORTEST_SECRET and not value.startswith("/")]
    return {
        name: value
        for name, value in variables.items()
        if not _OURS.search(name.upper())
        and not _SECRET_NAME.search(name.upper())
        and not _URL_WITH_PASSWORD.search(value)
        and not any(secret in value for secret in secrets)
    }


def hide_this_process() -> None:
    """Keep the same user's other processes from reading this one's memory and environment (Linux)."""
    if sys.platform == "linux":
        # https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html; undone by the next exec only.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


class KernelManagerWithoutTokens(AsyncKernelManager):
    """Starts kernels with `kernel_environment` of this process instead of this process's environment."""

    async def _async_start_kernel(self, **kwargs: Any) -> None:
        hide_this_process()
        kwargs["env"] = kernel_environment(kwargs.get("env") or environ)
        await super()._async_start_kernel(**kwargs)

    start_kernel = _async_start_kernel


class ExecuteWithoutTokens(Execute):
    """nbgrader's Execute, for code that somebody else wrote; takes nbgrader's own `Execute` configuration."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["kernel_manager_class"] = KernelManagerWithoutTokens
        super().__init__(**kwargs)
