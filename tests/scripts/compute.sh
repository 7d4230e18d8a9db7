#!/usr/bin/env bash
# Estimates of training compute from outside: figures, statuses, and what is refused.
. "$(dirname "$0")/lib.sh"

estimate=(sigillo compute estimate)
expect 0 "${estimate[@]}" --cluster memphis --days 100 --mfu 0.4 --start 2024-07-22
stdout_has "3.42e+26 FLOP, between 2.39e+26 and 4.45e+26"
stdout_has "[claimed]"
stdout_has "29.24 d (2024-08-20)"
stderr_has "a claim of xAI, 2024-07-22"
expect 0 "${estimate[@]}" --cluster memphis --days 100 --mfu 0.4 --start 2024-07-22 --json
json_has 'j["basis"] == "estimated" and j["flop"]["exact"] == "341936640000000000000000000"'
json_has '[l["passed"]["date"] for l in j["lines"] if l["id"] == "eu-systemic"] == ["2024-07-24"]'
json_has 'all("source" in d and d["peak_status"] == "secondary" for d in j["devices"])'
# No floating point in what could be signed.
! grep -qE '[:\[,]-?[0-9]+[.eE]' .out || fail "a floating-point number in the JSON"
# The margin holds the line: said, not decided.
expect 0 "${estimate[@]}" --gpus h100-sxm5:100000 --days 3 --mfu 0.4
stderr_has "the margin holds the line eu-systemic"
stdout_has "straddles"
expect 0 "${estimate[@]}" --gpus h100-sxm5:16000 --days 80 --mfu 0.4 --parameters 405e9 --tokens 15.6e12 --json
json_has 'j["second_opinion"]["flop"]["exact"] == "37908000000000000000000000"'
expect 0 "${estimate[@]}" --gpus h100-sxm5:10 --gpus h200-sxm:10 --days 1 --mfu 0.4 --json
json_has 'len(j["devices"]) == 2'
expect 0 "${estimate[@]}" --gpus max-1550:10 --days 1 --mfu 0.4 --dtype tf32
stderr_has "the tf32 peak of max-1550 is unverified"
expect 0 "${estimate[@]}" --gpus h100-sxm5:8 --days 1 --mfu 0.95
stderr_has "implausible"

for bad in "--mfu 1.01" "--mfu 0" "--mfu -0.4" "--mfu 40%" "--mfu nan" "--days 0" "--days -1" "--days 40000" "--days 1e3" \
  "--gpus h100-sxm5" "--gpus h100-sxm5:0" "--gpus h100-sxm5:-5" "--gpus h100-sxm5:1000000000" "--gpus :5" "--start 2024-02-30" \
  "--cluster memphis" "--parameters 1e9" "--tokens 1e12"; do
  given=(--gpus h100-sxm5:8 --days 1 --mfu 0.4)
  case $bad in
    --mfu*) given=(--gpus h100-sxm5:8 --days 1) ;;
    --days*) given=(--gpus h100-sxm5:8 --mfu 0.4) ;;
    --gpus*) given=(--days 1 --mfu 0.4) ;;
  esac
  refuse 3 invalid-argument "${estimate[@]}" "${given[@]}" $bad
  has_remedy
done
refuse 3 invalid-argument "${estimate[@]}" --days 1 --mfu 0.4
refuse 3 not-found "${estimate[@]}" --gpus h100:8 --days 1 --mfu 0.4
stderr_has "h100-pcie, h100-sxm5"
refuse 3 not-found "${estimate[@]}" --cluster nowhere --days 1 --mfu 0.4
refuse 3 not-found "${estimate[@]}" --gpus mi250x:8 --days 1 --mfu 0.4 --dtype fp8
stderr_has "bf16"
refuse 3 invalid-argument "${estimate[@]}" --gpus gb200:100000000 --dtype fp8 --days 36525 --mfu 1
stderr_has "beyond 9 x 10^27"

expect 0 sigillo compute clusters --json
json_has '{"memphis", "frontier", "aurora", "aurora-60000", "eagle", "h200-100000", "b100-100000"} <= {c["name"] for c in j}'
json_has 'all(c["source"] and c["status"] for c in j)'
expect 0 sigillo compute clusters
stdout_has "37888 mi250x"
expect 0 sigillo compute accelerators
stdout_has "unverified"

# Profiles of one's own; a broken one is refused.
mkdir own && cp "$(dirname "$(command -v sigillo)")"/../share/sigillo/profiles/*.json own/
sed -i 's/"memphis"/"memphis2"/' own/clusters.json
expect 0 env SIGILLO_PROFILES=own sigillo compute estimate --cluster memphis2 --days 1 --mfu 0.4
sed -i 's/"status": "claimed"/"status": "sure"/' own/clusters.json
refuse 3 invalid-input env SIGILLO_PROFILES=own sigillo compute clusters
has_remedy
refuse 3 not-found env SIGILLO_PROFILES=nowhere sigillo compute clusters
echo "compute holds"
