#!/usr/bin/env bash
# authority.sh DIR: a time-stamping authority made of the openssl command, for tests: DIR with a root (ca.pem), a
# certificate for time stamping (tsa.pem, tsa.key) and the configuration of `openssl ts` (tsa.cnf). Named after DIR.
set -euo pipefail
name=$(basename "${1:?the folder to make}")
mkdir "$1"
cd "$1"
cat >tsa.cnf <<'CNF'
[time_stamping]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = answers
[answers]
serial = ./serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
CNF
echo 01 >serial
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
openssl req -x509 "${key[@]}" -keyout ca.key -out ca.pem -days 30 -subj "/CN=$name root"
openssl req -new "${key[@]}" -keyout tsa.key -out tsa.csr -subj "/CN=$name"
openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile tsa.cnf -extensions time_stamping \
  -days 30 -out tsa.pem
