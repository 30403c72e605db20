"""The data contract: classes, person folders, fitting photographs to a network's size, safe files.

The lowest layer of the package. It needs NumPy and Pillow only, and every other layer may import it.
"""
