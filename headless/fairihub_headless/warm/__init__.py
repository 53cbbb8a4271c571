"""Processes that have begun already: fork servers, who asks them, and who keeps them."""
