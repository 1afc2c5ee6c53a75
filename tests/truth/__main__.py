"""`python -m truth` (in tests/): measures the truth of the slice anew, into measured/."""

from __future__ import annotations

from truth import records
from truth.oracle import measure
from truth.test_truth import MEASURED, NAMES
from truth.zoo import ZOO, built

if __name__ == "__main__":
    for name in NAMES:
        records.save(measure(*built(ZOO[name])), MEASURED / f"{name}.json.gz")
