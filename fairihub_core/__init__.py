"""What all rooms agree on: teams, notebooks, rights, errors. Knows no framework."""
