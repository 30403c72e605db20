"""What stands behind a person: one module for each family of places."""
