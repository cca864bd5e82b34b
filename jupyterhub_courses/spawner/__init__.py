"""Spawners: a person's server of a course, placed by the courses service."""
