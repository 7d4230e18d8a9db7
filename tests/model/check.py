#!/usr/bin/env python3
"""Checks the model of the ledger: no error as it stands, and one for each planted bug.

usage: check.py [PART...]    docs/model.md says what is checked, and what is not
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pan

# Budgets of what goes wrong in one run.
CORE = ["-DKILLS=2", "-DCUTS=1", "-DFAILURES=1", "-DRESTORES=1"]
EXPORT = ["-DEXPORTS", "-DKILLS=1", "-DCUTS=1", "-DFAILURES=0", "-DRESTORES=1"]
WITNESS = ["-DWITNESS", "-DKILLS=1", "-DCUTS=1", "-DFAILURES=0", "-DRESTORES=1"]
ALL = ["-DEXPORTS", "-DWITNESS", "-DKILLS=1", "-DCUTS=1", "-DFAILURES=0", "-DRESTORES=0"]
FORGED = ["-DFORGED"]
CYCLES = ["-DEXPORTS", "-DWITNESS", "-DKILLS=1", "-DCUTS=0", "-DFAILURES=0", "-DRESTORES=0"]

SOUND = [("core", CORE), ("export", EXPORT), ("witness", WITNESS), ("all", ALL), ("forged", FORGED)]

# Each bug breaks this law, whatever else it breaks.
PLANTED = [
    ("ACK_BEFORE_SYNC", CORE, "acknowledged_is_published"),
    ("SIGN_MEMORY", CORE, "published_is_prefix"),
    ("NO_CAS", CORE, "acknowledged_is_published"),
    ("STORE_AFTER", CORE, "one_history"),
    ("STORE_RESTORED", CORE, "one_history"),
    ("CHECKPOINT_BEFORE_TILES", EXPORT, "tiles_cover"),
    ("WITNESS_TWO_STEPS", WITNESS, "cosigned_grows"),
    ("WITNESS_TWO_STEPS", FORGED, "cosigned_grows"),
    ("WITNESS_UNSYNCED", FORGED, "cosigned_grows"),
    ("STORE_AT_SAME_SIZE", CORE, "one_history"),
    ("RETURN_UNASKED", CORE, "never_smaller"),
    ("SIGN_UNSYNCED", CORE, "published_is_prefix"),
    ("STORE_EQUAL_SKIPPED", CORE, "one_history"),
    ("SIGN_UNSYNCED", CORE, "no_false_alarm"),
    ("SIGN_UNSYNCED", ["-DWITNESS", *CORE], "cosigned_is_prefix"),
    ("RETRY_UNKNOWN", CORE, "one_index"),
    ("EXPORT_UNASKED", EXPORT, "export_grows"),
    ("LOCK_KEPT", CORE, "all_gets_done"),
]

# Not promised; the day it holds, this fails and the document changes.
NOT_PROMISED = [("ACKNOWLEDGED_ONCE", CORE, "acknowledged_once")]

REACHED = [
    ("AFTER_CRASHES", CORE), ("AFTER_RESTORE", CORE), ("OLD_COPY_REFUSED", CORE), ("GROUPED", CORE),
    ("ALL_EXPORTED", EXPORT), ("ALL_COSIGNED", WITNESS),
]


def sound(name, switches, cycles=False):
    # -O1: what -O2 saves in the search it takes to compile.
    outcome = pan.run(switches, optimize=switches is not FORGED, cycles=cycles)
    good = outcome.complete and outcome.errors == 0
    return good, (f"{name}: {outcome.states} states, {outcome.memory_mb:.0f} MB, "
                  f"{'no error' if good else outcome.failed or outcome.text[-500:]}")


def planted(name, switches, law):
    outcome = pan.run([*switches, f"-D{name}", f"-DONLY=N_{law}"])
    good = outcome.errors == 1 and outcome.law == law
    return good, f"{name}: {f'breaks {law}' if good else 'NOT FOUND'} ({outcome.states} states)"


def reached(name, switches):
    outcome = pan.run([*switches, f"-DREACH={name}"])
    good = outcome.errors == 1 and outcome.failed == "assertion violated 0"
    return good, f"{name}: {'is reached' if good else 'NOT REACHED'} ({outcome.states} states)"


PARTS = {
    "sound": [(sound, part) for part in SOUND],
    "ends": [(lambda name, switches: sound(name, switches, cycles=True), ("no cycles", CYCLES))],
    "planted": [(planted, bug) for bug in PLANTED],
    "not-promised": [(planted, law) for law in NOT_PROMISED],
    "reached": [(reached, goal) for goal in REACHED],
}


def main(parts):
    reason = pan.missing()
    if reason is not None:
        print(f"model: skipped: {reason}")
        return pan.SKIPPED
    def one(part, check, arguments):
        began = time.monotonic()
        good, text = check(*arguments)
        return good, f"{part:12} {text}, {time.monotonic() - began:.1f} s"

    failed = 0
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        runs = [pool.submit(one, part, check, arguments)
                for part in parts or PARTS for check, arguments in PARTS[part]]
        for run in runs:
            good, text = run.result()
            print(text, flush=True)
            failed += not good
    print(f"model: {failed} of its checks failed" if failed else "the model holds")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
