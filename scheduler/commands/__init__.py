"""The groups of the `setwire` command, one module a noun."""
