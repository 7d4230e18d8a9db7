#!/usr/bin/env python3
"""Judges a trace of trace_ledger by the rules of ledger.pml.

usage: replay.py TRACE.jsonl    exit code 0: a run of the model gives these events; 1: none does

The model knows a tree by the order of its entries; the trace has roots. A root is looked for among
the RFC 6962 roots, computed here, of all orders of a round's entries: one that is found nowhere is
a root of something else, and the trace is refused.
"""

import hashlib
import itertools
import json
import re
import sys
from functools import lru_cache

import pan

MAX_ENTRIES = 7  # ENTRIES of ledger.pml
BITS = 3
AGENTS = 3
EVENTS = {
    name: number for number, name in enumerate([
        "round", "add", "acknowledged", "add-failed", "publish", "published", "not-published",
        "export", "exported", "not-exported", "ask", "answer", "killing", "killed", "backup",
        "restored", "read", "offer"])
}


class Refused(Exception):
    """The trace cannot even be read as one of the model."""


def leaf_hash(entry):
    return hashlib.sha256(b"\x00entry-%d" % entry).digest()


def tree_root(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while 2 * split < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_root(hashes[:split]) + tree_root(hashes[split:])).digest()


def pack(entries):
    return sum(entry << (BITS * place) for place, entry in enumerate(entries))


@lru_cache(maxsize=None)
def known_roots(size):
    entries = range(1, MAX_ENTRIES + 1)
    return {tree_root([leaf_hash(entry) for entry in order]).hex(): pack(order)
            for order in itertools.permutations(entries, size)}


def tree(value):
    size, root = value["size"], value["root"]
    if not 0 <= size <= MAX_ENTRIES or root not in known_roots(size):
        raise Refused(f"{root} is the root of no {size} entries of the round")
    return known_roots(size)[root]


def entry(value):
    if not 1 <= value <= MAX_ENTRIES:
        raise Refused(f"there is no entry {value}")
    return value


def values(event):
    """The two values of an event, as ledger.pml reads them."""
    name = event["event"]
    if name == "add":
        return pack([entry(one) for one in event["entries"]]), 0
    if name == "offer":
        return entry(event["entry"]), 0
    if name == "acknowledged":
        return entry(event["entry"]), event["index"]
    if name in ("published", "exported"):
        return tree(event), 0
    if name == "ask":
        return tree(event), event["old"]
    if name == "answer":
        return event["status"], 0
    if name in ("backup", "read"):
        return tree(event), tree(event["checkpoint"])
    return 0, 0


def events_of(lines):
    events = [json.loads(line) for line in lines]
    if not events or events[0]["event"] != "round":
        raise Refused("a trace begins with a round")
    once = set()
    for event in events:
        if event["event"] == "round":
            once.clear()
        for one in event.get("entries", []) + ([event["entry"]] if event["event"] == "offer" else []):
            if one in once:
                raise Refused(f"entry {one} is added twice: the model knows an entry by its number")
            once.add(one)
        if not 0 <= event.get("agent", 0) < AGENTS:
            raise Refused(f"there is no agent {event['agent']}")
    return events


def table(events):
    return "".join(f"{EVENTS[e['event']]} {e.get('agent', 0)} {values(e)[0]} {values(e)[1]}\n"
                   for e in events)


def compile_rules():
    return pan.Search(["-DTRACE"])


def judge(model, lines):
    """None if the model can do it; else the event that it cannot give. model: compile_rules()."""
    try:
        events = events_of(lines)
        outcome = model.search(table(events))
    except Refused as refusal:
        return str(refusal)
    if outcome.errors == 1 and outcome.failed == "assertion violated 0":
        return None
    if not outcome.complete or outcome.errors != 0:
        raise RuntimeError(f"spin gave no verdict: {outcome.text[-1000:]}")
    reached = max(int(n) for n in re.findall(r"^reached (\d+)$", outcome.text, re.MULTILINE))
    return f"event {reached} cannot be: {json.dumps(events[reached])}"


def main(file):
    reason = pan.missing()
    if reason is not None:
        print(f"replay: skipped: {reason}")
        return pan.SKIPPED
    with open(file, encoding="ascii") as lines, compile_rules() as model:
        refusal = judge(model, list(lines))
    print(refusal or "the model can do all of it")
    return 1 if refusal else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
