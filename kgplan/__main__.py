"""`python -m kgplan` is the `kgplan` command."""

from kgplan.cli import main

if __name__ == "__main__":
    main()
