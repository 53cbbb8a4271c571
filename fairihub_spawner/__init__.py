"""What your server is given."""
