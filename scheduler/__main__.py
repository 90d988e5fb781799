"""`python -m scheduler` is the `setwire` command."""

import gc


def main() -> None:
    gc.disable()  # what is imported stays: looking through it for garbage takes a quarter of a short command
    from scheduler.cli import main as run_command  # noqa: PLC0415 it is what must not be looked through

    gc.freeze()
    gc.enable()
    run_command()


if __name__ == "__main__":
    main()
