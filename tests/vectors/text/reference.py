#!/usr/bin/env python3
"""An independent reference for the vectors in this folder, with integers and mpmath only.

    python3 reference.py check    recomputes every record of *.txt and compares (exit 1 on a difference)
    python3 reference.py table    prints the reciprocal table of watermark/kernels/fixed_log2.hpp

It shares no code with the library. The published values (vLLM's compatibility vectors, the Philox known-answer tests) were
typed from their publication; this script confirms them.
"""
import fractions
import pathlib
import sys

import mpmath

mpmath.mp.dps = 60
M32 = 0xFFFFFFFF


def uniform(m):
    """float32((m + 1) / (2^24 + 1)) as an exact number: rounded here by its own rule, to nearest, ties to even."""
    exact = fractions.Fraction(m + 1, 2**24 + 1)
    scale = 2**24
    while exact * scale < 2**23:
        scale *= 2
    return mpmath.mpf(round(exact * scale)) / scale


def philox(counter, key):
    c, k = list(counter), list(key)
    for i in range(10):
        if i:
            k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & M32, (p0 >> 32) ^ c[3] ^ k[1], p0 & M32]
    return c


def context_state(key, context):
    k0, k1 = key & M32, key >> 32
    s = [0x574D4358, len(context), 0, 0]
    for off in range(0, len(context), 4):
        block = [context[off + i] & M32 if off + i < len(context) else M32 - i for i in range(4)]
        s = philox([a ^ b for a, b in zip(s, block)], (k0 ^ off, k1))
    return s


def word(key, context, token):
    s = context_state(key, context)
    out = philox((token >> 2, s[0], s[1], s[2]), ((key & M32) ^ s[3], (key >> 32) ^ 0x574D544B))
    return out[token & 3]


def plain_word(seed, token):
    return philox((token >> 2, 0x504C4149, 0x4E31, 0), (seed & M32, seed >> 32))[token & 3]


def step_seed(seed, step):
    w = philox((step & M32, step >> 32, 0x53544550, 0x31), (seed & M32, seed >> 32))
    return w[0] | w[1] << 32


def noise(m):
    return -mpmath.log(-mpmath.log(uniform(m)))


def noise_q32(m):
    return int(mpmath.nint(noise(m) * 2**32))


def sequence(name, length=64):
    a = [(i * 7919 + 13) % 50257 for i in range(length)]
    return {"A": a, "B": a[:16] * 4}[name]


def score(key, width, tokens):
    seen, n, s = set(), 0, mpmath.mpf(0)
    padded = [-1] * width + tokens
    for i, t in enumerate(tokens):
        context = tuple(padded[i:i + width])
        if context in seen:
            continue
        seen.add(context)
        m = word(key, context, t) >> 8
        n += 1
        s -= mpmath.log(1 - uniform(m))
    return n, s


def erlang_tail(n, s):
    return mpmath.exp(-s) * mpmath.fsum(mpmath.power(s, k) / mpmath.factorial(k) for k in range(n))


def log2_table():
    rows = []
    for i in range(128):
        r = -(-(2**14 * 128) // (128 + i))
        rows.append((r, int(mpmath.nint(-mpmath.log(mpmath.mpf(r) / 2**14, 2) * 2**64))))
    return rows


def integers(text):
    return [int(x) for x in text.split(",")]


def close(text, value, digits):
    return abs(mpmath.mpf(text) - value) <= abs(value) * mpmath.mpf(10)**-digits


def check_record(kind, r):
    if kind == "philox":
        c, k = ([int(x, 16) for x in r[n].split(",")] for n in ("counter", "key"))
        return [int(x, 16) for x in r["output"].split(",")] == philox(c, k)
    if kind == "state":
        return integers(r["state"]) == context_state(int(r["key"]), integers(r["context"]))
    if kind == "words":
        return integers(r["words"]) == [word(int(r["key"]), integers(r["context"]), t) for t in integers(r["tokens"])]
    if kind == "mantissas":
        return integers(r["mantissas"]) == [word(int(r["key"]), integers(r["context"]), t) >> 8
                                            for t in integers(r["tokens"])]
    if kind == "plain":
        return integers(r["words"]) == [plain_word(int(r["seed"]), t) for t in integers(r["tokens"])]
    if kind == "step":
        return int(r["plain_seed"]) == step_seed(int(r["seed"]), int(r["step"]))
    if kind == "noise":
        return int(r["q32"]) == noise_q32(int(r["mantissa"]))
    if kind == "detector":
        n, s = score(int(r["key"]), int(r["context_width"]), sequence(r["sequence"]))
        digits = len(r["sum"].replace(".", "")) - 1
        pdigits = len(r["p"].split(".")[1].lstrip("0")) - 1
        return n == int(r["scored"]) and close(r["sum"], s, digits - 1) and close(r["p"], erlang_tail(n, s), pdigits)
    if kind == "erlang":
        return close(r["ln_tail"], mpmath.log(erlang_tail(int(r["n"]), mpmath.mpf(r["s"]))), 15)
    if kind == "binomial":
        n, k, p = int(r["n"]), int(r["k"]), mpmath.mpf(float(r["p"]))
        tail = mpmath.fsum(mpmath.binomial(n, j) * p**j * (1 - p)**(n - j) for j in range(k, n + 1))
        return close(r["ln_tail"], mpmath.log(tail), 15)
    raise SystemExit(f"unknown record kind {kind}")


def records(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if line:
            kind, *fields = line.split()
            yield number, kind, dict(f.split("=", 1) for f in fields)


def main():
    if sys.argv[1:] == ["table"]:
        for r, log in log2_table():
            print(f"    {{{r}, 0x{log:016X}u}},")
        return 0
    if sys.argv[1:] != ["check"]:
        print(__doc__, file=sys.stderr)
        return 3
    bad = count = 0
    for path in sorted(pathlib.Path(__file__).parent.glob("*.txt")):
        for number, kind, fields in records(path):
            count += 1
            if not check_record(kind, fields):
                bad += 1
                print(f"{path.name}:{number}: {kind} differs", file=sys.stderr)
    print(f"{count} records, {bad} differences")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main())
