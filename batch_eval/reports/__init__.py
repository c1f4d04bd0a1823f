"""Reports: one module a format, all with the same two functions. `registry` lists them, `writing` writes them."""
