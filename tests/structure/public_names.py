#!/usr/bin/env python3
"""No name of CUDA, OpenSSL, SQLite, libcbor or httplib in the code of include/.

Comments and strings are prose: they may say "OpenSSL". The bare word `cuda` may name a back end of
ours; CUDA's own names all carry a prefix.
"""

import re
import sys
from pathlib import Path

import cpp_source
import structure

FOREIGN = re.compile(
    r"\b(?:cuda[A-Z_]\w*|cu(?:blas|rand|fft)\w*|CU(?:stream|device|context|event|result|function|"
    r"module|deviceptr)\w*|__(?:global|device|host|shared|constant|launch_bounds)__|nv_bfloat16|dim3"
    r"|openssl\w*|cbor(?:_\w+)?|EVP_\w+|OSSL_\w+|BIO(?:_\w+)?|BIGNUM|BN_\w+|EC_\w+|ECDSA_\w+|X509\w*|SSL(?:_\w+)?"
    r"|SHA256_\w+|HMAC_\w+|sqlite\w*|SQLITE_\w+|httplib\w*)\b"
    r"|\b(?:OPENSSL|CUDA|CPPHTTPLIB)_\w+")


def problems(root):
    found = []
    looked_at = 0
    for path in structure.our_files(root):
        if path.parts[0] != "include" or path.suffix not in cpp_source.SOURCE_ENDINGS:
            continue
        looked_at += 1
        code = cpp_source.without_comments_and_strings(structure.read(root / path))
        for number, line in enumerate(code.split("\n"), 1):
            for match in FOREIGN.finditer(line):
                found.append(f"{path}:{number}: the public surface names {match.group()}")
    if looked_at == 0:
        found.append("no public headers were found")
    return found


def _header(text):
    return {"include/sigillo/a.hpp": text}


CONTROLS = [
    (_header('// through OpenSSL and sqlite3_open\n/* EVP_MD */ enum class Back { host, cuda };\n'
             'inline const char* kName = "cudaMalloc"; int DIM3_count; int subcudaThing;\n'), None),
    ({"core/x.cpp": "#include <sqlite3.h>\n", **_header("")}, None),
    (_header("#include <openssl/evp.h>\n"), "openssl"),
    (_header('#include "openssl/evp.h"\n'), "openssl"),
    (_header("#include <sqlite3.h>\n"), "sqlite3"),
    (_header("#include <cuda_runtime.h>\n"), "cuda_runtime"),
    (_header("#include <httplib.h>\n"), "httplib"),
    (_header("struct sqlite3_stmt;\n"), "sqlite3_stmt"),
    (_header("#include <cbor.h>\n"), "cbor"),
    (_header("struct cbor_callbacks;\n"), "cbor_callbacks"),
    (_header("void f(cudaStream_t s);\n"), "cudaStream_t"),
    (_header("__host__ int f();\n"), "__host__"),
    (_header("typedef struct evp_pkey_st EVP_PKEY;\n"), "EVP_PKEY"),
    (_header("#ifdef OPENSSL_VERSION\n#endif\n"), "OPENSSL_VERSION"),
    (_header("void f(CUstream s);  // a comment\n"), "CUstream"),
    (_header("int a; /* x */ httplib::Server s;\n"), "httplib"),
    ({}, "no public headers"),
]

if __name__ == "__main__":
    structure.run("public names", problems, CONTROLS, Path(sys.argv[1]))
