"""Where the images of a set are: in files, archives or arrays, each kind a module with the same protocol."""
