"""How a worker is watched: figures of what it tells; and what is asked, whether it is safe to send with and which elements it has."""
