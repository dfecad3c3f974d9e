"""What `demo` and `dev` share: a Redis, a simulator and workers as child processes, which end with the command."""
