"""What people write themselves: Celery with its defaults, and the SDK as its sample uses it."""
