"""Who you are and which teams let you in."""
