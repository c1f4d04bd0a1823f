"""Sets of images in files, archives or arrays. Each kind is a module with the same protocol."""
