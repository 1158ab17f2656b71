"""Two scikit-learn releases side by side: a model made under one loads under the other and gives the same answers.

Makes a virtual environment for each release (pip installs into a scratch folder), trains a model on a part of the corpus under
each, and lets both environments judge the same documents with both models.

    python benchmarks/two_releases.py "scikit-learn==1.4.2 numpy==1.26.4" "scikit-learn>=1.7"
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from report import markdown_table, save

from cleaner import corpus

ROOT = Path(__file__).resolve().parent.parent
DEPENDENCIES = ["click>=8.1", "joblib>=1.4", "rich>=13"]  # reading pages is not needed here

JUDGE = """
import json, sys
import numpy
from cleaner import corpus
from cleaner.model import load_model
from cleaner.segment import segment
texts = [document.text for document in corpus.load([sys.argv[2]])]
model = load_model(sys.argv[1])
probabilities = model.probabilities(segment(texts))
scores = probabilities[:, model.drops].sum(axis=1)
said = {"scores": scores.tolist(), "made under": model.card["versions"], "sklearn": "sklearn" in sys.modules, "numpy": numpy.__version__}
print(json.dumps(said))
"""


def environment(folder: Path, packages: str) -> Path:
    """A fresh environment with these packages; its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", *packages.split(), *DEPENDENCIES], check=True)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", help="what pip installs into the first environment")
    parser.add_argument("other", help="what pip installs into the second")
    parser.add_argument("--documents", type=int, default=120, help="so many documents of the corpus to learn from")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    every = corpus.load([ROOT / "corpus"])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        step = max(1, len(every) // arguments.documents)
        corpus.save(every[::step], folder / "learn.jsonl")
        corpus.save(every[1::step], folder / "judge.jsonl")
        pythons = [environment(folder / f"environment-{i}", packages) for i, packages in enumerate((arguments.one, arguments.other))]
        answers: dict[tuple[int, int], dict[str, object]] = {}
        for made, python in enumerate(pythons):
            command = [python, "train.py", folder / "learn.jsonl", "-o", folder / f"model-{made}", "--jobs", "1"]
            subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
            for run, other in enumerate(pythons):
                said = subprocess.run(
                    [other, "-c", JUDGE, folder / f"model-{made}", folder / "judge.jsonl"], check=True, cwd=ROOT, stdout=subprocess.PIPE
                )
                answers[made, run] = json.loads(said.stdout)
        same_weights = (folder / "model-0" / "weights.npz").read_bytes() == (folder / "model-1" / "weights.npz").read_bytes()
    rows = {}
    for made in (0, 1):
        here, there = answers[made, made], answers[made, 1 - made]
        a, b = here["scores"], there["scores"]
        assert isinstance(a, list) and isinstance(b, list)
        versions = here["made under"]
        assert isinstance(versions, dict)
        rows[f"made under scikit-learn {versions['scikit-learn']}, NumPy {versions['numpy']}"] = {
            "read under NumPy": str(there["numpy"]), "segments judged": len(a), "scores that differ": sum(x != y for x, y in zip(a, b)),
            "largest difference": max((abs(x - y) for x, y in zip(a, b)), default=0.0), "imports scikit-learn": str(there["sklearn"]),
        }  # fmt: skip
    text = markdown_table(rows) + f"\n\nThe two trainings gave the same weights: {same_weights}."
    print(text)
    save(arguments.results, "two_releases", {"rows": rows, "same_weights": same_weights}, text)
    sys.exit(any(row["scores that differ"] for row in rows.values()))


if __name__ == "__main__":
    main()
