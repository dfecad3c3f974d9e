"""What follows an accepted message: its delivery, pulled where nothing was pushed."""
