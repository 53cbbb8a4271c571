"""What the service answers: OGC API Processes, in JSON and as pages."""
