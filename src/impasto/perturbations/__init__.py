"""What was done to the cells."""
