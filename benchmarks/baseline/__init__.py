"""What people write themselves: Celery as it comes, and the SDK as its sample shows it."""
