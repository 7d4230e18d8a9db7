// Requests to a witness: any bytes have an answer of the protocol, and only what the log has signed
// moves the witness.
#include <unistd.h>

#include <filesystem>
#include <string>

#include "harness.hpp"
#include "sigillo/audit/witness.hpp"

namespace {

using namespace sigillo::audit;
namespace core = sigillo::core;

constexpr core::Timestamp kTime{1795000000, 0};

// In a folder of its own, which goes when the process does.
class WatchedLog {
 public:
  WatchedLog() {
    std::string name = (std::filesystem::temp_directory_path() / "sigillo-fuzz-XXXXXX").string();
    FUZZ_CHECK(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    core::SeededEntropy entropy(7);
    const core::FixedClock clock(kTime);
    FUZZ_CHECK(Witness::init(folder_ / "w", "witness.example/w1", entropy, clock).has_value());
    witness.emplace(Witness::open(folder_ / "w").value());
    FUZZ_CHECK(witness
                   ->add_log(NoteVerifier::parse("ledger.example/v1+a72446d6+"
                                                 "AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
                                 .value())
                   .has_value());
  }
  ~WatchedLog() {
    witness.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::optional<Witness> witness;

 private:
  std::filesystem::path folder_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static WatchedLog watched;
  const std::string_view body = core::as_text(core::ByteView(data, size));
  const auto answer = watched.witness->add_checkpoint(body, kTime);
  FUZZ_CHECK(answer.has_value());
  switch (answer->status) {
    case 200:  // the log has signed one checkpoint only
      FUZZ_CHECK(body.find("\nledger.example/v1\n8\n") != std::string_view::npos);
      FUZZ_CHECK(answer->body.ends_with("\n"));
      break;
    case 409:
      FUZZ_CHECK(answer->media_type == kSizeMediaType);
      FUZZ_CHECK(answer->body == "0\n" || answer->body == "8\n");
      break;
    default:
      FUZZ_CHECK(answer->status == 400 || answer->status == 403 || answer->status == 404 ||
                 answer->status == 422);
  }
  return 0;
}
