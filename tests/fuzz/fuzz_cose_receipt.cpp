// COSE receipts and keys: bytes have one reading, that reading has these bytes and no others, and
// only the genuine leaf fits.
#include <algorithm>

#include "harness.hpp"
#include "sigillo/audit/cose_receipt.hpp"

using namespace sigillo::audit;
namespace core = sigillo::core;

namespace {

// The key whose seed counts up from 0x40; the seeds are signed by it.
const core::PublicKey& known_key() {
  static const core::PublicKey key = [] {
    core::Bytes seed(32);
    std::generate(seed.begin(), seed.end(),
                  [next = 0x40]() mutable { return static_cast<std::uint8_t>(next++); });
    return core::PrivateKey::from_ed25519_seed(seed).value().public_key();
  }();
  return key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input(data, size);
  const auto same = [&](const core::Bytes& bytes) {
    return std::equal(bytes.begin(), bytes.end(), input.begin(), input.end());
  };
  if (const auto key = parse_cose_key(input); key) FUZZ_CHECK(same(cose_key_bytes(*key).value()));
  // No log holds this leaf, so that no receipt may verify, however well it is made.
  FUZZ_CHECK(!verify_cose_receipt(input, core::as_bytes("a leaf of no log"), known_key()));
  const auto receipt = parse_cose_receipt(input);
  if (!receipt) return 0;
  FUZZ_CHECK(same(cose_receipt_bytes(*receipt)));
  FUZZ_CHECK(receipt->path.size() <= 63);
  FUZZ_CHECK(!receipt->origin.empty());
  return 0;
}
