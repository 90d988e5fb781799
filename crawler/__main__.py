"""`python -m crawler` is one crawl in a process of its own; `crawler.runner` starts it."""

import gc


def main() -> None:
    gc.disable()  # what is imported stays: looking through it for garbage takes a third of a crawl's start
    from crawler.child import main as run_child  # noqa: PLC0415 it is what must not be looked through

    gc.freeze()
    gc.enable()
    run_child()


if __name__ == "__main__":
    main()
