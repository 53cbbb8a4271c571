"""What the tests of access share: the routes there are, the matrix, the people, a real hub."""
