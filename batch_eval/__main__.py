"""python -m batch_eval."""

from batch_eval.cli import main

if __name__ == "__main__":
    main()
