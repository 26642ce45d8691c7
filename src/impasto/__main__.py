"""`impasto` and `python -m impasto`. A stop is one sentence from the first moment on, also while libraries are imported."""

from __future__ import annotations

import signal
import sys

from impasto import failures


def main() -> None:
    """Run the command line."""
    try:
        signal.signal(signal.SIGTERM, failures.terminate)
        from impasto import cli
    except (KeyboardInterrupt, failures.Terminated) as stopped:
        code, sentence = failures.code_and_sentence(stopped)
        sys.stderr.write(f"impasto: {sentence}\n")
        sys.exit(code)
    cli.main()


if __name__ == "__main__":
    main()
