"""``python -m hightouch_sdk`` is the command line ``hightouch-sdk``."""

from ._cli import main

if __name__ == "__main__":
    main()
