"""The processes of this service as values: descriptions, OpenAPI and pages are made from them."""
