"""Train a model: a thin wrapper of ``cleaner train``. Without arguments it rebuilds the packaged model from ``corpus/``."""

import sys
from pathlib import Path

from cleaner.cli import main

HERE = Path(__file__).resolve().parent
PACKAGED = [
    "train", str(HERE / "corpus"), "-o", str(HERE / "models" / "default"), "--report", str(HERE / "build" / "default-report.html"),
    "--license", "apache-2.0",
]  # fmt: skip

if __name__ == "__main__":
    main(["train", *sys.argv[1:]] if sys.argv[1:] else PACKAGED)
