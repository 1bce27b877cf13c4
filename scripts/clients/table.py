"""Prints client by case from what the suites wrote, and fails for what is missing.

Each suite appends lines `client<TAB>case<TAB>pass|fail` to files in a folder, the
argument. A case passes if all its lines say so.
"""

import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

HERE = Path(__file__).parent
# Each of these must have been there: a suite that did not run must not look well.
CLIENTS = (HERE / "clients.txt").read_text().split()


def results(folder: Path) -> dict[tuple[str, str], bool]:
    found: dict[tuple[str, str], bool] = {}
    for file in sorted(folder.glob("*.tsv")):
        for line in file.read_text().splitlines():
            client, case, outcome = line.split("\t")
            found[client, case] = found.get((client, case), True) and outcome == "pass"
    return found


def excuses(excused: dict[str, dict[str, str]], client: str) -> dict[str, str]:
    return {case: why for key, cases in excused.items() if fnmatch(client, key) for case, why in cases.items()}


def main(folder: Path) -> int:
    listed = tomllib.loads((HERE / "cases.toml").read_text())
    cases, excused, found = listed["cases"], listed["excused"], results(folder)
    complaints = [f"unknown case: {client} {case}" for client, case in found if case not in cases]
    complaints += [f"unknown client: {client}" for client in {client for client, _ in found} - set(CLIENTS)]

    def cell(client: str, case: str) -> str:
        outcome = found.get((client, case))
        if outcome is not None and case in excuses(excused, client):
            complaints.append(f"excused, yet tried: {client} {case}")
        if outcome is None:
            if case in excuses(excused, client):
                return "n/a"
            complaints.append(f"not tried: {client} {case}")
            return "-"
        if not outcome:
            complaints.append(f"failed: {client} {case}")
        return "PASS" if outcome else "FAIL"

    # Clients are columns, numbered: their names are too long to stand beside each other.
    for number, client in enumerate(CLIENTS, 1):
        print(f"{number:>4}  {client}")
    width = max(len(case) for case in cases)
    print(" " * width + "".join(f"{number:>5}" for number in range(1, len(CLIENTS) + 1)))
    for case in cases:
        print(case.ljust(width) + "".join(f"{cell(client, case):>5}" for client in CLIENTS))
    print("\nn/a:")
    for key, reasons in excused.items():
        for why in dict.fromkeys(reasons.values()):
            print(f"  {key}: {', '.join(case for case, reason in reasons.items() if reason == why)}: {why}")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
