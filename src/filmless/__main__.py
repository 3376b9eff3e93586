"""`python -m filmless` is the command `filmless`."""

from filmless.cli.app import main

if __name__ == "__main__":
    main()
