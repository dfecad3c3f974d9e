"""The worker process: Celery's app, tasks, settings, transport and results. The rules of sending are in `sending`."""
