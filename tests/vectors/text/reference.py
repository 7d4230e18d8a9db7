#!/usr/bin/env python3
"""An independent reference for the vectors in this folder, with integers and mpmath only.

    python3 reference.py check    recomputes every record of *.txt and of docs/formats/text-profile.md and compares (exit 1 on a difference)
    python3 reference.py table    prints the reciprocal table of watermark/kernels/fixed_log2.hpp

It shares no code with the library. The published values (vLLM's compatibility vectors, the Philox known-answer tests) were
typed from their publication; this script confirms them.
"""
import fractions
import hashlib
import hmac
import math
import pathlib
import struct
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


def log2_q58(x):
    """docs/formats/text-profile.md section 4, step by step."""
    e = x.bit_length() - 1
    leading = (x << (63 - e)) >> 16
    r, log = TABLE[leading >> 40 & 127]
    f = (leading * r - 2**61) << 3
    h = COEFFICIENTS[7]
    for c in reversed(COEFFICIENTS[:7]):
        h = c - (f * h >> 64)
    return (e << 58) + ((log + f + (f * h >> 64) + 32) >> 6)


def fixed_uniform(m):
    z = 24 - m.bit_length()
    return ((m + 1) << z) - 1, 24 + z


def fixed_noise_q32(m):
    a, e = fixed_uniform(m)
    t = log2_q58((e << 58) - log2_q58(a)) - (58 << 58) - LOG2_LN2
    return (2**88 - t * LN2) >> 89


def fixed_score_q58(m):
    a, e = fixed_uniform(m)
    return (e << 58) - log2_q58(2**e - a)


def fixed_logit_q32(logit, temperature):
    """Floats as their 32 bits in hexadecimal; None for masked, infinity as itself."""
    value, = struct.unpack(">f", bytes.fromhex(logit))
    divisor, = struct.unpack(">f", bytes.fromhex(temperature))
    if value != value or value == -math.inf:
        return None
    if value == math.inf:
        return math.inf
    exact = fractions.Fraction(value) / fractions.Fraction(divisor)
    # binary64 division, then binary32: innocuous double rounding (53 >= 2 * 24 + 2).
    try:
        quotient = fractions.Fraction(struct.unpack(">f", struct.pack(">f", value / divisor))[0])
    except OverflowError:
        return 2**62 if exact > 0 else -2**62
    if abs(quotient) >= 2**30:
        return 2**62 if exact > 0 else -2**62
    magnitude = (abs(quotient) * 2**32 + fractions.Fraction(1, 2)).__floor__()
    return magnitude if quotient >= 0 else -magnitude


def choose(words, logits, temperature):
    best, winner = None, -1
    for v, logit in enumerate(logits):
        x = fixed_logit_q32(logit, temperature)
        if x is None:
            continue
        s = x if x == math.inf else x + fixed_noise_q32(words(v) >> 8)
        if best is None or s > best:
            best, winner = s, v
    return winner


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


def absorb(hashed, *data):
    """SynthID's hash step on 64-bit words."""
    for datum in data:
        hashed = ((hashed + datum) * 6364136223846793005 + 1) % 2**64
    return hashed


def mersenne_twister(seed, count):
    """MT19937 by its definition (Matsumoto and Nishimura 1998)."""
    state = [seed]
    for i in range(1, 624):
        state.append((1812433253 * (state[-1] ^ state[-1] >> 30) + i) & M32)
    out = []
    while len(out) < count:
        for i in range(624):
            y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7FFFFFFF)
            state[i] = state[(i + 397) % 624] ^ y >> 1 ^ (0x9908B0DF if y & 1 else 0)
        for y in state:
            y ^= y >> 11
            y ^= y << 7 & 0x9D2C5680
            y ^= y << 15 & 0xEFC60000
            out.append(y ^ y >> 18)
    return out[:count]


_TABLES = {}


def sampling_table(size=65536, seed=0):
    if (size, seed) not in _TABLES:
        _TABLES[size, seed] = [word & 1 for word in mersenne_twister(seed, size)]
    return _TABLES[size, seed]


def synthid_bits(keys, ngram):
    hashed = absorb(1, *ngram)
    return [sampling_table()[absorb(hashed, k) % 65536] for k in keys]


def synthid_ngrams(tokens, width=4):
    seen, out = set(), []
    for i in range(width, len(tokens)):
        context = tuple(tokens[i - width:i])
        if context not in seen:
            seen.add(context)
            out.append(context + (tokens[i],))
    return out


def synthid_weights(depth):
    return [(10 - fractions.Fraction(9 * l, depth - 1) + fractions.Fraction(1, 2)).__floor__() for l in range(depth)]


def synthid_tail(ngrams, depth, statistic):
    """P(T >= statistic) over all keys, as an exact fraction: a key rotates the table."""
    table, places = sampling_table(), [absorb(absorb(1, *g), 0) % 65536 for g in ngrams]
    law = {}
    for rotation in range(65536):
        ones = sum(table[(place + rotation) % 65536] for place in places)
        law[ones] = law.get(ones, 0) + 1
    total = {0: 1}
    for weight in synthid_weights(depth):
        following = {}
        for t, ways in total.items():
            for ones, more in law.items():
                following[t + weight * ones] = following.get(t + weight * ones, 0) + ways * more
        total = following
    return fractions.Fraction(sum(w for t, w in total.items() if t >= statistic), 65536**depth)


def exp_weight_q38(d):
    """docs/formats/text-profile.md section 8, step by step."""
    if d >= 27 << 32:
        return 0
    binary = d * EXP_LOG2_E >> 30
    whole, fraction = binary >> 64, binary % 2**64
    y = (fraction % 2**60) * EXP_LN2 >> 64
    h = EXP_TERMS[7]
    for term in reversed(EXP_TERMS[:7]):
        h = term - (y * h >> 64)
    return (h * EXP_POWERS[fraction >> 60] >> 64) >> (23 + whole)


def synthid_choose(keys, context, seed, logits, temperature):
    scores = [fixed_logit_q32(l, temperature) for l in logits]
    if math.inf in scores:
        return scores.index(math.inf)
    live = [v for v, x in enumerate(scores) if x is not None]
    if not live:
        return -1
    top = max(scores[v] for v in live)
    weights = {v: exp_weight_q38(top - scores[v]) for v in live}
    bits = {v: synthid_bits(keys, [0 if c < 0 else c for c in context] + [v]) for v in live}
    shifts = {v: [] for v in live}
    for layer in range(len(keys)):
        everything = sum(weights.values())
        ones = sum(weights[v] for v in live if bits[v][layer])
        for v in live:
            gain = 2 * everything - ones if bits[v][layer] else everything - ones
            shifts[v].append(None if gain == 0 else
                             (log2_q58(gain) - log2_q58(everything)) * LN2 >> 89)
            weights[v] = weights[v] * ((gain << 32) // everything) >> 32
    best, winner = None, -1
    for v in live:
        if None in shifts[v]:
            continue
        s = scores[v] + sum(shifts[v]) + fixed_noise_q32(plain_word(seed, v) >> 8)
        if best is None or s > best:
            best, winner = s, v
    return winner


def log2_table():
    rows = []
    for i in range(128):
        r = -(-(2**14 * 128) // (128 + i))
        rows.append((r, int(mpmath.nint(-mpmath.log(mpmath.mpf(r) / 2**14, 2) * 2**64))))
    return rows


TABLE = log2_table()
COEFFICIENTS = [int(mpmath.nint((1 / (k * mpmath.log(2)) - (k == 1)) * 2**64)) for k in range(1, 9)]
LOG2_LN2 = int(mpmath.nint(-mpmath.log(mpmath.log(2), 2) * 2**58))
LN2 = int(mpmath.nint(mpmath.log(2) * 2**63))
EXP_LOG2_E = int(mpmath.nint(2**62 / mpmath.log(2)))
EXP_LN2 = int(mpmath.nint(mpmath.log(2) * 2**64))
EXP_TERMS = [int(mpmath.nint(mpmath.mpf(2)**62 / mpmath.factorial(k))) for k in range(8)]
EXP_POWERS = [int(mpmath.nint(mpmath.mpf(2)**(63 - mpmath.mpf(i) / 16))) for i in range(16)]


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
        m = int(r["mantissa"])
        fixed = fixed_noise_q32(m)
        return int(r["q32"]) == fixed and abs(fixed - noise(m) * 2**32) < 1 and int(r["score_q58"]) == fixed_score_q58(m)
    if kind == "log2":
        x = int(r["x"])
        return int(r["q58"]) == log2_q58(x) and abs(log2_q58(x) - mpmath.log(x, 2) * 2**58) < 1
    if kind == "logit":
        return {None: "masked", math.inf: "infinite"}.get(
            value := fixed_logit_q32(r["bits"], r["temperature"]), str(value)) == r["q32"]
    if kind == "choice":
        if r["mode"] == "plain":
            words = lambda v: plain_word(int(r["seed"]), v)
        else:
            words = lambda v: word(int(r["seed"]), integers(r["context"]), v)
        return choose(words, r["logits"].split(","), r["temperature"]) == int(r["token"])
    if kind == "detector":
        n, s = score(int(r["key"]), int(r["context_width"]), sequence(r["sequence"]))
        digits = len(r["sum"].replace(".", "")) - 1
        pdigits = min(len(r["p"].split(".")[1].lstrip("0")) - 1, 14)
        return n == int(r["scored"]) and close(r["sum"], s, digits - 1) and close(r["p"], erlang_tail(n, s), pdigits)
    if kind == "erlang":
        return close(r["ln_tail"], mpmath.log(erlang_tail(int(r["n"]), mpmath.mpf(r["s"]))), 15)
    if kind == "binomial":
        n, k, p = int(r["n"]), int(r["k"]), mpmath.mpf(float(r["p"]))
        tail = mpmath.fsum(mpmath.binomial(n, j) * p**j * (1 - p)**(n - j) for j in range(k, n + 1))
        return close(r["ln_tail"], mpmath.log(tail), 15)
    return check_synthid(kind, r)


def check_synthid(kind, r):
    if kind == "synthid_table":
        table = sampling_table(int(r["size"]), int(r["seed"]))
        text = "".join(map(str, table))
        return (sum(table) == int(r["ones"]) and hashlib.sha256(bytes(table)).hexdigest() == r["sha256"]
                and text.startswith(r["first"]) and text.endswith(r["last"]))
    if kind == "synthid_hash":
        ngram = integers(r["ngram"])
        context, whole = absorb(1, *ngram[:-1]), absorb(1, *ngram)
        return [int(r[n]) for n in ("context_hash", "ngram_hash", "key_hash", "index")] == [
            context, whole, absorb(whole, int(r["key"])), absorb(whole, int(r["key"])) % 65536]
    if kind == "synthid_bits":
        return r["bits"] == "".join(map(str, synthid_bits(integers(r["keys"]), integers(r["ngram"]))))
    if kind == "synthid_detector":
        keys = integers(r["keys"])
        ngrams = synthid_ngrams(sequence(r["sequence"]))
        rows = [synthid_bits(keys, g) for g in ngrams]
        layers = [sum(row[l] for row in rows) for l in range(len(keys))]
        slopes = [10 - mpmath.mpf(9 * l) / (len(keys) - 1) for l in range(len(keys))]
        weighted = sum(w * x for w, x in zip(slopes, layers)) / (sum(slopes) * len(ngrams))
        statistic = sum(w * x for w, x in zip(synthid_weights(len(keys)), layers))
        p = synthid_tail(ngrams, len(keys), statistic)
        return (len(ngrams) == int(r["scored"]) and sum(layers) == int(r["ones"])
                and close(r["weighted_mean"], weighted, 14) and statistic == int(r["statistic"])
                and close(r["p"], mpmath.mpf(p.numerator) / p.denominator, 14))
    if kind == "synthid_derived":
        message = b"synthid-key" + int(r["index"]).to_bytes(4, "big")
        digest = hmac.new(int(r["key"]).to_bytes(8, "big"), message, hashlib.sha256).digest()
        return int(r["number"]) == int.from_bytes(digest[:8], "big")
    if kind == "synthid_tournament":
        p = [mpmath.mpf(x) for x in r["probabilities"].split(",")]
        rows = r["bits"].split(",")
        for layer in range(len(rows[0])):
            ones = sum(q for q, row in zip(p, rows) if row[layer] == "1")
            p = [q * (1 + int(row[layer]) - ones) for q, row in zip(p, rows)]
        return all(close(text, q, 14) for text, q in zip(r["result"].split(","), p))
    if kind == "exp":
        d = int(r["difference"])
        exact = mpmath.exp(-mpmath.mpf(d) / 2**32) * 2**38
        return int(r["q38"]) == exp_weight_q38(d) and -1e-3 < exact - exp_weight_q38(d) < 1.001
    if kind == "synthid_choice":
        return synthid_choose(integers(r["keys"]), integers(r["context"]), int(r["seed"]),
                              r["logits"].split(","), r["temperature"]) == int(r["token"])
    raise SystemExit(f"unknown record kind {kind}")


def records(path):
    inside = path.suffix != ".md"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if path.suffix == ".md" and line.startswith("```"):
            inside = line == "```vectors"
            continue
        if not inside:
            continue
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
    here = pathlib.Path(__file__).resolve().parent
    for path in [*sorted(here.glob("*.txt")), here.parents[2] / "docs/formats/text-profile.md"]:
        for number, kind, fields in records(path):
            count += 1
            if not check_record(kind, fields):
                bad += 1
                print(f"{path.name}:{number}: {kind} differs", file=sys.stderr)
    print(f"{count} records, {bad} differences")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main())
