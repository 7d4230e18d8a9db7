#!/usr/bin/env python3
"""The C interface from plain Python: consumer.py LIBRARY KEYRING_FOLDER TOKENIZER (a test, no product)."""

import ctypes as c
import json
import random
import struct
import sys

sigillo = c.CDLL(sys.argv[1])


class ChooseBatch(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("rows", c.c_int32), ("vocabulary", c.c_int32),
                ("logits", c.c_void_p), ("stride", c.c_int64), ("logit_type", c.c_int32),
                ("temperature", c.c_float), ("contexts", c.c_void_p), ("plain", c.c_void_p),
                ("plain_seeds", c.c_void_p), ("backend", c.c_char_p)]


class Detection(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("result", c.c_int32), ("reserved", c.c_int32),
                ("tokens", c.c_int64), ("scored", c.c_int64), ("tries", c.c_int64),
                ("log10_p_micro", c.c_int64), ("threshold_log10_micro", c.c_int64)]


class ProofQuestion(c.Structure):
    _fields_ = [("struct_size", c.c_size_t)] + [
        field for name in ("receipt", "leaf", "log_key", "policy", "time_stamp", "roots")
        for field in ((name, c.c_char_p), (name + "_size", c.c_size_t))] + [("now", c.c_int64)]


class ProofAnswer(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("index", c.c_uint64), ("size", c.c_uint64),
                ("cosigned", c.c_uint64), ("stamped_at", c.c_int64), ("has_policy", c.c_int32),
                ("has_stamp", c.c_int32)]


for name in ("sigillo_version", "sigillo_last_error_message", "sigillo_last_error_remedy"):
    getattr(sigillo, name).restype = c.c_char_p
sigillo.sigillo_detect_tokens.argtypes = [c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p,
                                          c.c_void_p, c.c_char_p, c.c_size_t, c.c_void_p]
sigillo.sigillo_choose_tokens.argtypes = [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t]


def ok(status):
    assert status == 0, (status, sigillo.sigillo_last_error_message())


def choose(profile, key, logits, context, seed, form):
    """One token; logits as a list of floats, packed in the form's way."""
    packed = {0: lambda: struct.pack(f"{len(logits)}f", *logits),
              1: lambda: struct.pack(f"{len(logits)}e", *logits)}[form]()
    storage = c.create_string_buffer(packed, len(packed))
    window, seeds = (c.c_int32 * 4)(*context), (c.c_uint64 * 1)(seed)
    batch = ChooseBatch(c.sizeof(ChooseBatch), 1, len(logits), c.cast(storage, c.c_void_p),
                        len(logits), form, 1.0, c.cast(window, c.c_void_p), None,
                        c.cast(seeds, c.c_void_p), None)
    token = c.c_int32(-2)
    ok(sigillo.sigillo_choose_tokens(profile, key, c.byref(batch), c.byref(token), 1))
    return token.value


def detect(profile, key, tokens):
    ids = (c.c_int32 * len(tokens))(*tokens)
    detection, size, text = Detection(c.sizeof(Detection)), c.c_size_t(), c.create_string_buffer(4096)
    ok(sigillo.sigillo_detect_tokens(profile, key, c.cast(ids, c.c_void_p), len(tokens), None,
                                     c.byref(detection), text, len(text), c.byref(size)))
    value = json.loads(text.raw[:size.value])
    assert value["log10_p_micro"] == detection.log10_p_micro
    return value


def verify_proof(**parts):
    """The status, and the answer as JSON if it is yes."""
    question, answer = ProofQuestion(c.sizeof(ProofQuestion)), ProofAnswer(c.sizeof(ProofAnswer))
    for name, part in parts.items():
        setattr(question, name, part)
        setattr(question, name + "_size", len(part))
    text, size = c.create_string_buffer(4096), c.c_size_t()
    status = sigillo.sigillo_verify_proof(c.byref(question), c.byref(answer), text,
                                          c.c_size_t(len(text)), c.byref(size))
    return status, json.loads(text.raw[:size.value]) if status == 0 else None


def check_proof():
    """The example of docs/formats/proof.md, without its extra line."""
    receipt = ("c2sp.org/tlog-proof@v1\nindex 5\n"
               "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=\n"
               "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=\n"
               "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n\n"
               "ledger.example/v1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n"
               "\u2014 ledger.example/v1 pyRG1q0EjEW7GOdRCgohUc3TPi+3fKUrybGH3s2Em+6gjA2coBrj4RTc09hub8AeixEXccwXheEsN2MtIGkH/xJNfgQ=\n").encode()
    key = b"ledger.example/v1+a72446d6+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    status, answer = verify_proof(receipt=receipt, leaf=b"@ABC", log_key=key)
    assert status == 0 and answer["verified"] is True, sigillo.sigillo_last_error_message()
    assert (answer["index"], answer["size"], answer["quorum"]) == (5, 8, None)
    assert verify_proof(receipt=receipt, leaf=b"@ABD", log_key=key)[0] == 13
    assert verify_proof(receipt=receipt, leaf=b"@ABC")[0] == 1
    assert verify_proof(receipt=receipt[:-1], leaf=b"@ABC", log_key=key)[0] != 0


def main():
    assert sigillo.sigillo_abi_version() == 1
    rng = random.Random(5)
    for name in (b"vllm-gumbel", b"synthid-transformers"):
        profile, key, other = c.c_void_p(), c.c_void_p(), c.c_void_p()
        ok(sigillo.sigillo_profile_by_name(name, c.byref(profile)))
        ok(sigillo.sigillo_key_from_text(b"1234567", 7, c.byref(key)))
        ok(sigillo.sigillo_key_from_text(b"7654321", 7, c.byref(other)))
        text = [-1] * 4
        for _ in range(80):
            # Values that binary16 holds, so that both forms must give the same token.
            logits = [rng.randrange(-512, 512) / 256 for _ in range(300)]
            seed = rng.getrandbits(64)
            tokens = {choose(profile, key, logits, text[-4:], seed, form) for form in (0, 1)}
            assert len(tokens) == 1, tokens
            text.append(tokens.pop())
        assert detect(profile, key, text[4:])["result"] == "found"
        assert detect(profile, other, text[4:])["result"] == "not_found"
        for handle in (key, other):
            sigillo.sigillo_key_free(handle)
        sigillo.sigillo_profile_free(profile)
    missing = c.c_void_p()
    assert sigillo.sigillo_profile_by_name(b"none", c.byref(missing)) == 4 and missing.value is None
    assert b"none" in sigillo.sigillo_last_error_message()
    assert b"vllm-gumbel" in sigillo.sigillo_last_error_remedy()

    check_proof()
    tokenizer, count = c.c_void_p(), c.c_size_t()
    with open(sys.argv[3], "rb") as file:
        data = file.read()
    ok(sigillo.sigillo_tokenizer_from_json(data, c.c_size_t(len(data)), c.byref(tokenizer)))
    ids = (c.c_int32 * 64)()
    ok(sigillo.sigillo_tokenizer_encode(tokenizer, b"the tree", c.c_size_t(8), ids, c.c_size_t(64), c.byref(count)))
    assert 0 < count.value <= 8
    sigillo.sigillo_tokenizer_free(tokenizer)
    print("ctypes: all checks passed with", sigillo.sigillo_version().decode())


main()
