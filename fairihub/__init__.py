"""The assembly: command line, `up`, hub configuration. Only this package knows all others."""
