"""How good a bundle's try-ons are: measured against ground truth, and judged by people."""
