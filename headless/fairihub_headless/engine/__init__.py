"""What takes waiting runs, starts their workers and answers for their end."""
