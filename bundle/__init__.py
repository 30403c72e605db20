"""The bundle's format: what a folder of exported networks holds, and how its forms are read and compared."""
