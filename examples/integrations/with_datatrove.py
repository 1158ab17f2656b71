"""datatrove: clean a folder of records in the local executor; what went is written beside it.

python examples/integrations/with_datatrove.py OUT
"""

import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

from cleaner.integrations.datatrove import ArticleCleaner

ARTICLES = Path(__file__).parent.parent / "search"


def main(out: str) -> None:
    pipeline = [
        JsonlReader(str(ARTICLES), glob_pattern="articles.jsonl"),
        ArticleCleaner(exclusion_writer=JsonlWriter(f"{out}/removed")),
        JsonlWriter(f"{out}/clean"),
    ]
    LocalPipelineExecutor(pipeline, logging_dir=f"{out}/log", tasks=1).run()


if __name__ == "__main__":
    main(sys.argv[1])
