"""Whether an installation is safe to send with, and what is known of its elements: asked, not told."""
