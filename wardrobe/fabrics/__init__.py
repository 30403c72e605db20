"""What cloth looks like: palettes, motifs, words, and one module for each family of patterns."""
