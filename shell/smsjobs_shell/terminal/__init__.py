"""What all commands share: options, output, failures and exit statuses. It never connects to Redis."""
