"""What people may write for a size, a time, a slug, an address, and what they read when it is wrong."""

import pytest

from jupyterhub_courses.core import notation


@pytest.mark.parametrize(
    ("written", "size"),
    [("512M", 512 * 2**20), ("2G", 2**31), ("1.5G", 1610612736), ("1K", 1024), (4096, 4096), ("7", 7)],
)
def test_sizes_count_in_powers_of_1024(written, size):
    assert notation.parse_bytes(written) == size


@pytest.mark.parametrize("written", ["2 GB", "2Gi", "-1G", 0, "0M", True, None, "", "G", "1e3"])
def test_what_is_no_size_is_refused_with_an_example(written):
    with pytest.raises(ValueError, match="is not a size: write a number with K, M, G or T, like 512M or 2G"):
        notation.parse_bytes(written)


@pytest.mark.parametrize(("written", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), (60, 60)])
def test_times(written, seconds):
    assert notation.parse_seconds(written) == seconds


@pytest.mark.parametrize("written", ["1w", "soon", 0, -5, True, "1.5h"])
def test_what_is_no_time_is_refused(written):
    with pytest.raises(ValueError, match="is not a time"):
        notation.parse_seconds(written)


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.edu/a.git",
        "git@git.example.edu:a/b.git",
        "ssh://git@h/a",
        "file:///srv/a",
        "/srv/a.git",
    ],
)
def test_git_addresses(address):
    assert notation.git_address(address) == address


@pytest.mark.parametrize(
    "address", ["ext::sh -c id", "-uroot", "--upload-pack=x", "ssh://-oProxyCommand=x/y", "a.git", ""]
)
def test_what_git_would_run_or_take_for_an_option_is_no_address(address):
    with pytest.raises(ValueError, match="is not the address of a git repository"):
        notation.git_address(address)


@pytest.mark.parametrize("path", ["/etc", "../other", "a/../../b", "a\0b"])
def test_a_path_stays_inside_its_repository(path):
    with pytest.raises(ValueError, match="is not a path inside the repository"):
        notation.path_inside(path)


@pytest.mark.parametrize("slug", ["api", "grader"])
def test_a_reserved_slug_is_named_as_such(slug):
    with pytest.raises(ValueError, match="is reserved"):
        notation.slug(slug)


def test_a_long_refused_value_is_cut():
    assert len(notation.shown("x" * 500)) == 78
