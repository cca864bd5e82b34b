"""Quantities as the API server gives them back, and people's sizes in them."""

import pytest

from jupyterhub_courses.core import quantities


@pytest.mark.parametrize(
    ("number", "text"),
    [(2**20, "1Mi"), (1, "1Mi"), (512 * 2**20, "512Mi"), (2**30, "1Gi"), (3 * 2**29, "1536Mi"), (2**50, "1Pi")],
)
def test_bytes_become_the_largest_unit_that_needs_no_fraction(number, text):
    assert quantities.size(number) == text
    assert quantities.parse(text) >= number


@pytest.mark.parametrize(
    ("number", "text"), [(0.5, "500m"), (2.0, "2"), (1.1, "1100m"), (0.0001, "1m"), (0.29, "290m")]
)
def test_cores_become_thousandths_where_they_are_no_whole_number(number, text):
    assert quantities.cores(number) == text


@pytest.mark.parametrize(
    ("text", "number"), [("5G", 5e9), ("5Gi", 5 * 2**30), ("500m", 0.5), ("7", 7), ("1k", 1000), ("1e3", 1000)]
)
def test_a_quantity_in_any_notation_is_read(text, number):
    assert quantities.parse(text) == number
