"""Courses on one machine: folders and child processes. For trying out and for teaching on one trusted machine."""

from .host import LocalHost

__all__ = ["LocalHost"]
