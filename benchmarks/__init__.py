"""Measurements of smsjobs beside a plain Celery worker: ``python -m benchmarks``, or ``make bench``."""
