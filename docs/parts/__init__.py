"""What the pages hold that the program itself knows: `python -m cogapp -r README.md docs/*.md` writes it into them."""
