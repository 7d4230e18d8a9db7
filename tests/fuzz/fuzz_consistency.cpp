// Consistency proofs: a text has one reading, that reading has one text, and none leads from a
// checkpoint that the log did not sign or from an empty tree.
#include <cstddef>
#include <cstdint>

#include "harness.hpp"
#include "known_log.hpp"
#include "sigillo/audit/proof.hpp"

using namespace sigillo::audit;
namespace core = sigillo::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = core::as_text(core::ByteView(data, size));
  const auto proof = parse_consistency_proof(input);
  if (!proof) return 0;
  FUZZ_CHECK(consistency_proof_text(*proof) == input);
  FUZZ_CHECK(proof->path.size() <= 63);
  // The newer checkpoint is not an older one, unless the proof says that nothing was added.
  const auto same = verify_consistency_proof(*proof, proof->checkpoint, known_log());
  FUZZ_CHECK(!same || (proof->path.empty() && same->size == proof->old_size));
  FUZZ_CHECK(!verify_consistency_proof(*proof, input, known_log()));
  // The path alone, against sizes and roots that the input chooses.
  const Digest known = leaf_hash(core::as_bytes(proof->checkpoint));
  for (const std::uint64_t new_size :
       {proof->old_size, proof->old_size + 1, proof->old_size * 2 + 1})
    for (const Digest& root : proof->path) {
      FUZZ_CHECK(!verify_consistency(0, known, new_size, root, proof->path));
      FUZZ_CHECK(!verify_consistency(new_size + 1, known, new_size, root, proof->path));
      // Nobody finds a path from a root that is the hash of something else.
      FUZZ_CHECK(!verify_consistency(proof->old_size, known, new_size, root, proof->path));
    }
  return 0;
}
