#!/usr/bin/env python3
"""Other landscapes in the form of NAS-Bench-201's table, to see whether a strategy's options fit that one table only.

    bench/altered_tables.py NAS_BENCH_201.csv.gz LEARNING_CURVES.csv.gz FOLDER

writes to FOLDER, for `netwright bench nas-bench-201 --table`: negated.csv (100 less every accuracy), noisy_1.csv and
noisy_3.csv (normal noise of 1 and 3 points on what the search sees), relabelled.csv (on every edge the operations swap
their names), and curves.csv (another space of the same shape: validation accuracy after 12 and 100 epochs, and test
accuracy).
"""

import csv
import gzip
import random
import re
import sys

OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
COLUMNS = ["arch", "valid_accuracy_e12", "valid_accuracy_e200", "test_accuracy_e200", "train_seconds_per_epoch"]


def text(operations):
    """Of the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3."""
    return "|%s~0|+|%s~0|%s~1|+|%s~0|%s~1|%s~2|" % tuple(operations)


def main(table, curves, folder):
    rows = list(csv.DictReader(gzip.open(table, "rt")))
    accuracies = {row["arch"]: [float(row[column]) for column in COLUMNS[1:4]] for row in rows}
    stream = random.Random(1)

    def write(name, lines):
        with open(f"{folder}/{name}.csv", "w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *lines])

    def altered(name, change):
        write(name, [[row["arch"], *(f"{one:.4f}" for one in change(row["arch"])), row[COLUMNS[4]]] for row in rows])

    altered("negated", lambda arch: [100 - one for one in accuracies[arch]])
    for points in (1, 3):
        altered(f"noisy_{points}", lambda arch: [accuracies[arch][0] + stream.gauss(0, points), *accuracies[arch][1:]])
    swapped = [dict(zip(OPERATIONS, stream.sample(OPERATIONS, 5))) for _ in range(6)]
    altered("relabelled", lambda arch: accuracies[text(swap[operation] for swap, operation in zip(
        swapped, re.findall(r"\|([a-z0-9_]+)~", arch)))])
    lines = []
    for row in csv.DictReader(gzip.open(curves, "rt")):
        edge = dict(zip(("01", "02", "03", "12", "13", "23"), (OPERATIONS[int(c)] for c in row["edges_01_02_03_12_13_23"])))
        arch = text(edge[name] for name in ("01", "02", "12", "03", "13", "23"))
        lines.append([arch, row["v12"], row["v100"], row["test_acc"], f"{float(row['seconds']) / 450:.4f}"])
    write("curves", lines)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
