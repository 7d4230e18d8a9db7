#include "tests/faults/history.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace faults {
using audit::Ledger;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

Error wrong(std::string what) { return {ErrorCode::ledger_corrupt, std::move(what), ""}; }

// The batches on the disk, against those that were submitted.
std::optional<Problem> compare(const Contents& found, const History& history, std::size_t moment) {
  std::size_t place = 0;
  const auto holds = [&](const std::vector<std::string>& leaves) {
    return found.leaves.size() - place >= leaves.size() &&
           std::equal(leaves.begin(), leaves.end(),
                      found.leaves.begin() + static_cast<std::ptrdiff_t>(place));
  };
  if (!holds(history.before))
    return Problem{Problem::Kind::lost, "entries that were durable before are not there"};
  place += history.before.size();
  for (const Attempt& attempt : history.attempts) {
    if (attempt.from > moment) break;
    if (holds(attempt.leaves)) place += attempt.leaves.size();
    else if (attempt.acknowledged.has_value() && *attempt.acknowledged <= moment)
      return Problem{Problem::Kind::lost,
                     fmt::format("{} entries that were acknowledged are not at {}; there are {}",
                                 attempt.leaves.size(), place, found.leaves.size())};
  }
  if (place != found.leaves.size())
    return Problem{Problem::Kind::invented,
                   fmt::format("entry {} of {} is no part of a batch that was submitted", place,
                               found.leaves.size())};
  for (const Published& published : history.published)
    if (published.at <= moment && std::ranges::count(found.notes, published.note) != 1)
      return Problem{Problem::Kind::lost, "a checkpoint that was given out is not stored"};
  return std::nullopt;
}

// One more entry, signed by the writer that found the others, and kept.
Status go_on(Ledger ledger, const fs::path& file, std::size_t size) {
  const std::vector<std::string> more = {"after the power came back"};
  SIGILLO_TRY(const std::uint64_t index, ledger.append(more));
  if (index != size) return wrong(fmt::format("the next entry got index {}", index));
  SIGILLO_TRY(const std::string note, ledger.publish(log_key()));
  { const Ledger closed = std::move(ledger); }
  SIGILLO_TRY(const Ledger reader, Ledger::open(file, Ledger::Access::read));
  SIGILLO_TRY(const Contents contents, recompute(reader));
  if (contents.leaves.size() != size + 1 || contents.leaves.back() != more[0])
    return wrong("an entry that was appended afterwards is not there");
  if (contents.notes.back() != note) return wrong("a checkpoint signed afterwards is not there");
  return {};
}

}  // namespace

const core::PrivateKey& log_key() {
  static const core::PrivateKey key =
      core::PrivateKey::from_ed25519_seed(core::Bytes(32, 2)).value();
  return key;
}

Result<Contents> recompute(const Ledger& ledger) {
  Contents contents;
  audit::CompactRange range;
  std::vector<core::Digest> roots{range.root()};
  SIGILLO_TRY_VOID(ledger.for_each(0, 1U << 30, [&](const audit::StoredEntry& entry) -> Status {
    if (entry.index != contents.leaves.size())
      return wrong(fmt::format("entry {} follows {}", entry.index, contents.leaves.size()));
    const core::Digest hash = audit::leaf_hash(entry.leaf);
    if (!std::ranges::equal(hash.bytes, entry.leaf_hash))
      return wrong(fmt::format("entry {} has another hash", entry.index));
    range.append(hash);
    roots.push_back(range.root());
    contents.leaves.emplace_back(core::as_text(entry.leaf));
    return {};
  }));
  SIGILLO_TRY(const auto head, ledger.head());
  SIGILLO_TRY(const std::uint64_t rows, ledger.row_count());
  if (head.size != range.size() || head.root != range.root() || rows != range.size())
    return wrong(
        fmt::format("{} entries in {} rows, and the head says {}", range.size(), rows, head.size));
  SIGILLO_TRY(const auto log, audit::NoteVerifier::create(kOrigin, log_key().public_key()));
  SIGILLO_TRY(const auto stored, ledger.checkpoints());
  static std::map<std::string, audit::Checkpoint> verified;  // the same few, on thousands of disks
  for (const audit::StoredCheckpoint& each : stored) {
    if (!verified.contains(each.note)) {
      SIGILLO_TRY(verified[each.note], audit::open_checkpoint(each.note, log));
    }
    const audit::Checkpoint& checkpoint = verified.at(each.note);
    if (checkpoint.size != each.size || checkpoint.size >= roots.size() ||
        checkpoint.root != roots[checkpoint.size])
      return wrong(fmt::format("the checkpoint of size {} is not about these entries", each.size));
    contents.notes.push_back(each.note);
  }
  return contents;
}

std::optional<Problem> judge(const fs::path& folder, const History& history, std::size_t moment) {
  const fs::path file = folder / "ledger.db";
  const bool created = history.created.has_value() && *history.created <= moment;
  auto ledger = Ledger::open(file, Ledger::Access::write);
  const auto found = ledger.has_value() ? recompute(*ledger) : ledger.error();
  if (!created && !found.has_value()) return std::nullopt;
  if (!found.has_value()) return Problem{Problem::Kind::damaged, found.error().message};
  if (auto problem = compare(*found, history, moment)) return problem;
  const Status further = go_on(*std::move(ledger), file, found->leaves.size());
  if (!further.has_value()) return Problem{Problem::Kind::damaged, further.error().message};
  return std::nullopt;
}

Scratch::Scratch() {
  const fs::path memory = "/dev/shm";
  const fs::path parent =
      ::access(memory.c_str(), W_OK | X_OK) == 0 ? memory : fs::temp_directory_path();
  std::string name = (parent / "sigillo-faults-XXXXXX").string();
  SIGILLO_CHECK(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path Scratch::folder(const std::string& name) const {
  fs::remove_all(path_ / name);
  fs::create_directory(path_ / name);
  return path_ / name;
}

}  // namespace faults
