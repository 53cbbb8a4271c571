"""What a run brought, and how it is handed out."""
