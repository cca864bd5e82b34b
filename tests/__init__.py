"""The suite. It tests what is installed (a wheel), with real parts; conftest.py has the fixtures that all share."""
