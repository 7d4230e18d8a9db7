#!/usr/bin/env python3
"""Traces of the program against the model: what processes do that are killed is what the rules allow.

usage: trace.py TRACE_LEDGER [ROUNDS [SEED]]

Controls: traces with something planted in them, and a run of the program whose checkpoint store is
put back together with the ledger, must be refused.
"""

import copy
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pan
import replay

ROUNDS = 15
SEED = 20261129


class Failed(Exception):
    pass


def run_program(program, mode, rounds, seed):
    """The lines that it wrote, or None if this build cannot do that."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([program, folder, str(rounds), str(seed), mode], timeout=300)
        if done.returncode == pan.SKIPPED:
            return None
        if done.returncode != 0:
            raise Failed(f"{program} ended with {done.returncode}")
        return Path(folder, "trace.jsonl").read_text(encoding="ascii").splitlines()


def rounds_of(lines):
    rounds = []
    for event in map(json.loads, lines):
        if event["event"] == "round":
            rounds.append([])
        rounds[-1].append(event)
    return rounds


def places(events, name):
    return [place for place, event in enumerate(events) if event["event"] == name]


def next_index(events):
    """An acknowledgement names the place behind its own."""
    events[places(events, "acknowledged")[-1]]["index"] += 1


def second_index(events):
    place = places(events, "acknowledged")[0]
    events.insert(place + 1, dict(events[place], index=events[place]["index"] + 1))


def never_added(events):
    entry = events[places(events, "acknowledged")[-1]]["entry"]
    for place, event in enumerate(events):
        if event["event"] == "add" and entry in event["entries"]:
            del events[place]
            return


def smaller_again(events):
    first, *_, last = places(events, "published")
    if events[first]["size"] == events[last]["size"]:
        raise IndexError
    events[last].update(size=events[first]["size"], root=events[first]["root"])


def other_root(events):
    """The same entries in another order: a second history of one size."""
    last = events[places(events, "published")[-1]]
    if last["size"] < 2:
        raise IndexError
    last["root"] = next(root for root in replay.known_roots(last["size"]) if root != last["root"])


def lost_entry(events):
    """The ledger that is read in the end lacks its last entry."""
    head = events[places(events, "read")[-1]]
    packed = replay.tree(head) & ((1 << (replay.BITS * (head["size"] - 1))) - 1)
    head["size"] -= 1
    head["root"] = next(root for root, order in replay.known_roots(head["size"]).items()
                        if order == packed)


def cosigned_twice(events):
    """The witness takes an older tree after a newer one."""
    cosigned = []
    for place in places(events, "answer"):
        if events[place]["status"] == 200:
            agent = events[place]["agent"]
            ask = [e for e in events[:place] if e["event"] == "ask" and e["agent"] == agent][-1]
            cosigned.append((ask, events[place]))
    if cosigned[0][0]["size"] >= cosigned[-1][0]["size"]:
        raise IndexError
    end = places(events, "read")[-1]
    events[end:end] = [dict(event, agent=0) for event in cosigned[0]]


PLANTED = [next_index, second_index, never_added, smaller_again, other_root, lost_entry,
           cosigned_twice]


def judge(model, events):
    return replay.judge(model, [json.dumps(event) for event in events])


def plant(rounds, change):
    """The first round in which the change has a place, changed."""
    for events in rounds:
        changed = copy.deepcopy(events)
        try:
            change(changed)
        except IndexError:
            continue
        return changed
    raise Failed(f"{change.__name__} has no place in these rounds")


def check(model, program, rounds, seed):
    lines = run_program(program, "kills", rounds, seed)
    count = {name: sum(f'"event":"{name}"' in line for line in lines)
             for name in ("acknowledged", "published", "exported", "answer", "killed")}
    if min(count.values()) == 0:
        raise Failed(f"the trace holds nothing of some kind: {count}")
    refusal = replay.judge(model, lines)
    print(f"kills: {len(lines)} events in {rounds} rounds {count}: {refusal or 'the model can do it'}")
    if refusal is not None:
        raise Failed("the program did what the model cannot")
    for change in PLANTED:
        refusal = judge(model, plant(rounds_of(lines), change))
        print(f"planted {change.__name__}: {refusal or 'NOT FOUND'}")
        if refusal is None:
            raise Failed(f"{change.__name__} was accepted")

    lines = run_program(program, "restore", rounds // 3 + 1, seed)
    if lines is None:
        print("restore: this build has no checkpoint store")
    else:
        refusal = replay.judge(model, lines)
        print(f"restore: {len(lines)} events: {refusal or 'the model can do it'}")
        if refusal is not None:
            raise Failed("the program did what the model cannot")
        ends = [[e["event"] for e in events[places(events, "restored")[0]:]]
                for events in rounds_of(lines)]
        if not (any("not-published" in end for end in ends) and any("published" in end for end in ends)):
            raise Failed("an old copy must be refused, and a new one must go on: this proves nothing")
    refusal = replay.judge(model, run_program(program, "restore-all", 1, seed))
    print(f"control, the checkpoint store put back too: {refusal or 'NOT FOUND'}")
    if refusal is None:
        raise Failed("a second history was accepted")


def main(program, rounds=ROUNDS, seed=SEED):
    reason = pan.missing()
    if reason is not None:
        print(f"model_trace: skipped: {reason}")
        return pan.SKIPPED
    began = time.monotonic()
    try:
        with replay.compile_rules() as model:
            check(model, program, int(rounds), int(seed))
    except Failed as failure:
        print(f"model_trace: {failure}")
        return 1
    print(f"traces hold, {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
