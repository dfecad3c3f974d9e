"""What a worker tells the outside, and what it keeps to itself: the ground floor, everything above may tell it."""
