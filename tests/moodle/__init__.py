"""Plays on a real Moodle: the whole story, with no part of ours or of Moodle's imitated."""
