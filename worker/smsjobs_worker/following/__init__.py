"""What follows a job: its delivery, pulled where nothing was pushed, and its events, handed over to the application."""
