"""The same task on other queues for Python, each in a virtual environment of its own."""
