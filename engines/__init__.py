"""A bundle's graphs as executable engines, behind one protocol, chosen by what this machine can run."""
