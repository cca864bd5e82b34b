"""Kubernetes' quantities in their canonical form, in which the API server gives them back.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import math
from collections.abc import Iterable

_MI = 2**20


def size(number: int) -> str:
    """Bytes, rounded up to whole mebibytes: `512Mi`, `2Gi`."""
    value = max(1, math.ceil(number / _MI))
    for unit in ("Mi", "Gi", "Ti"):
        if value % 1024:
            return f"{value}{unit}"
        value //= 1024
    return f"{value}Pi"


def cores(number: float) -> str:
    """Processor cores, rounded up to whole thousandths: `500m`, `2`."""
    thousandths = max(1, math.ceil(round(number * 1000, 6)))
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def parse(text: str) -> float:
    """What a quantity counts: bytes of `2Gi`, cores of `500m`. Raises ValueError."""
    units = {"m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
    binary = {unit: 1024.0**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
    for unit, factor in _longest({**units, **binary}.items()):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)


def _longest(units: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(units, key=lambda unit: -len(unit[0]))
