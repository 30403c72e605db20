"""Virtual try-on in process: people and garments in, the person wearing the outfit out."""
