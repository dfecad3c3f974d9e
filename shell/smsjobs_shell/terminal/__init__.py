"""What every command shares: options, what is shown and how, failures and exit statuses. Knows no Redis."""
