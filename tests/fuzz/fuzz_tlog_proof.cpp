// tlog-proofs: a text has one reading, that reading has one text, and only the genuine leaf fits.
#include <cstddef>
#include <cstdint>

#include "known_log.hpp"
#include "sigillo/audit/proof.hpp"

using namespace sigillo::audit;
namespace core = sigillo::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = core::as_text(core::ByteView(data, size));
  const auto proof = parse_tlog_proof(input);
  if (!proof) return 0;
  SIGILLO_CHECK(tlog_proof_text(*proof) == input);
  // No log holds this leaf, so that no proof may verify, however well it is made.
  SIGILLO_CHECK(!verify_tlog_proof(*proof, core::as_bytes("a leaf of no log"), known_log()));
  // The path alone, against sizes and roots that the input chooses.
  const Digest leaf = leaf_hash(core::as_bytes(proof->checkpoint));
  for (const std::uint64_t tree_size : {proof->index, proof->index + 1, proof->index * 2 + 1})
    for (const Digest& root : proof->path)
      (void)verify_inclusion(leaf, proof->index, tree_size, proof->path, root);
  return 0;
}
