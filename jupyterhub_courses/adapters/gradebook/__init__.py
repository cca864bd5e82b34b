"""nbgrader's gradebook of one course: read whole and consistently, watched for changes, and given the roster.

Knows nbgrader's tables, not its classes, so that reading is a handful of queries and never changes anything.
"""
