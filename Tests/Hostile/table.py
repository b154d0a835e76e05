"""Prints the figures of a run as a Markdown table, or puts them into docs/security.md.

    python3 table.py REPORT [--write]
"""

import json
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- The table of Scripts/hostile. -->", "<!-- Its end. -->"


def table(rows):
    lines = ["| attack | recipe | measure | goal | measured |", "|---|---|---|---|---|"]
    before = None
    for row in rows:
        named = (row["attack"], row["recipe"]) if (row["attack"], row["recipe"]) != before \
            else ("", "")
        before = (row["attack"], row["recipe"])
        lines.append(f"| {named[0]} | {named[1]} | {row['what']} | {row['goal']} | "
                     f"{row['measured']} |")
    return "\n".join(lines)


def main():
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    text = table(rows)
    print(text)
    if "--write" in sys.argv:
        page = PAGE.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


main()
