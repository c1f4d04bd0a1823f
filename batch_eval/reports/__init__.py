"""Reports: one module per format, each with the same two functions. `registry` lists them, `writing` writes them."""
