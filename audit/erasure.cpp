#include "sigillo/audit/erasure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sigillo/audit/private_values.hpp"
#include "sigillo/audit/shards.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

// A record names at most as many commitments as leave room for their subjects in a leaf.
constexpr std::size_t kCommitmentsPerRecord = 128;

std::string text_of(const Json& fields, std::string_view name) {
  return core::json_string(fields, name, "record").value_or("");
}

// What the ledger holds of commitments and erasures, trusted records only.
struct Told {
  ErasureHistory history;
  std::vector<CommittedValue> values;
};

Result<Told> read_ledger(const Workspace& workspace) {
  Told told;
  SIGILLO_TRY_VOID(for_each_trusted(
      workspace, [&](std::uint64_t number, const Record& record, const std::string&) -> Status {
        told.history.accept(number, record);
        if (record.kind->name != "run-start") return {};
        for (const std::string_view field : kCommittedFields)
          told.values.push_back({text_of(record.fields, field), std::string(field), number,
                                 "run " + text_of(record.fields, "run_id"), false, std::nullopt});
        return {};
      }));
  for (CommittedValue& value : told.values)
    if (const auto found = told.history.erased().find(value.commitment);
        found != told.history.erased().end())
      value.erased = found->second;
  return told;
}

// Nothing if there is no file of private values: all may be erased, or kept elsewhere.
Result<std::optional<PrivateValues>> open_values(const Workspace& workspace) {
  auto values = PrivateValues::open_read(workspace.private_values_file());
  if (values.has_value()) return std::optional(std::move(*values));
  if (values.error().code == ErrorCode::not_found) return std::optional<PrivateValues>();
  return values.error();
}

Result<std::vector<CommittedValue>> select(const Workspace& workspace,
                                           std::vector<CommittedValue> all,
                                           const ValueSelection& selection) {
  std::set<std::string> named(selection.commitments.begin(), selection.commitments.end());
  std::set<std::string> stored;
  SIGILLO_TRY(const auto values, open_values(workspace));
  if (values.has_value())
    SIGILLO_TRY_VOID(values->for_each([&](const PrivateValue& value) -> Status {
      stored.insert(value.commitment.hex());
      return {};
    }));
  std::vector<CommittedValue> chosen;
  std::set<std::string> seen;
  for (CommittedValue& value : all) {
    if (!named.empty() && !named.contains(value.commitment)) continue;
    seen.insert(value.commitment);
    if (selection.entry.has_value() && value.entry != *selection.entry) continue;
    if (!selection.field.empty() && value.field != selection.field) continue;
    value.stored = stored.contains(value.commitment);
    chosen.push_back(std::move(value));
  }
  for (const std::string& commitment : named)
    if (!seen.contains(commitment))
      return Error{ErrorCode::not_found,
                   fmt::format("no record holds the commitment {}", commitment),
                   "`sigillo values list` shows them"};
  return chosen;
}

Status none_in_force(const ErasureHistory& history) {
  if (history.holds().empty()) return {};
  const auto& [name, hold] = *history.holds().begin();
  return Error{
      ErrorCode::invalid_argument,
      fmt::format("the legal hold \"{}\" (entry {}) is in force: {}", name, hold.entry,
                  hold.reason),
      fmt::format("nothing is erased until it is lifted: `sigillo record legal-hold --hold "
                  "\"{}\" --state lifted --reason ...`",
                  name)};
}

// The ledger decides, as it is now: between the first look and the record another process may have
// recorded a hold, and the record counts only if its key may sign erasures.
Status erased_in(const ErasureHistory& history, const std::vector<core::Digest>& commitments) {
  for (const core::Digest& commitment : commitments) {
    const auto found = history.erased().find(commitment.hex());
    if (found == history.erased().end())
      return Error{ErrorCode::not_trusted,
                   "the erasure was recorded, but counts for nothing: the trust list does not let "
                   "its key sign erasures; no value was deleted",
                   "sign with a key that may, then erase again"};
    const auto hold = history.in_spite_of().find(found->second.entry);
    if (hold != history.in_spite_of().end())
      return Error{ErrorCode::invalid_argument,
                   fmt::format("the legal hold \"{}\" was recorded before the erasure (entry {}); "
                               "no value was deleted",
                               hold->second, found->second.entry),
                   "when the hold is lifted: `sigillo values erase --again`"};
  }
  return {};
}

Result<std::uint64_t> delete_values(const Workspace& workspace,
                                    const std::vector<core::Digest>& commitments) {
  std::error_code ignored;
  if (!std::filesystem::exists(workspace.private_values_file(), ignored)) return std::uint64_t{0};
  SIGILLO_TRY(PrivateValues values, PrivateValues::open(workspace.private_values_file()));
  return values.erase(commitments);
}

}  // namespace

void ErasureHistory::accept(std::uint64_t index, const Record& record) {
  if (record.kind->name == kLegalHoldKind) {
    const std::string name = text_of(record.fields, "hold");
    if (text_of(record.fields, "state") == "lifted") holds_.erase(name);
    else holds_.try_emplace(name, Hold{index, text_of(record.fields, "reason")});
    return;
  }
  if (record.kind->name != kErasureKind) return;
  if (!holds_.empty()) in_spite_of_.emplace(index, holds_.begin()->first);
  for (const Json& commitment : record.fields.at("commitments"))
    erased_.try_emplace(commitment.get<std::string>(),
                        Erasure{index, record.recorded_at, text_of(record.fields, "reason")});
}

Result<std::vector<CommittedValue>> committed_values(const Workspace& workspace,
                                                     const ValueSelection& selection) {
  SIGILLO_TRY(Told told, read_ledger(workspace));
  return select(workspace, std::move(told.values), selection);
}

Result<ErasureResult> erase_values(const Workspace& workspace, const ErasureRequest& request,
                                   const core::Clock& clock) {
  const ValueSelection& selection = request.selection;
  if (selection.commitments.empty() && !selection.entry.has_value() && selection.field.empty())
    return Error{ErrorCode::invalid_argument, "nothing is selected",
                 "name commitments, an entry or a field"};
  SIGILLO_TRY(Told told, read_ledger(workspace));
  SIGILLO_TRY_VOID(none_in_force(told.history));
  SIGILLO_TRY(const std::vector<CommittedValue> chosen,
              select(workspace, std::move(told.values), selection));
  std::vector<core::Digest> all, fresh;
  for (const CommittedValue& value : chosen) {
    if (!value.stored && !value.erased.has_value()) continue;  // kept elsewhere, or deleted by hand
    SIGILLO_TRY(const core::Digest commitment, core::Digest::from_hex(value.commitment));
    all.push_back(commitment);
    if (!value.erased.has_value()) fresh.push_back(commitment);
  }
  if (all.empty())
    return Error{ErrorCode::not_found, "no value of the selection is stored here",
                 "`sigillo values list` shows which values are"};
  ErasureResult result;
  for (std::size_t start = 0; start < fresh.size(); start += kCommitmentsPerRecord) {
    const std::size_t end = std::min(fresh.size(), start + kCommitmentsPerRecord);
    Json fields{{"commitments", Json::array()}, {"reason", request.reason}};
    if (!request.basis.empty()) fields["basis"] = request.basis;
    std::vector<core::Subject> subjects;
    for (std::size_t i = start; i < end; ++i) {
      fields["commitments"].push_back(fresh[i].hex());
      subjects.push_back({fmt::format("commitment:{}", fresh[i].hex().substr(0, 16)), fresh[i]});
    }
    SIGILLO_TRY(const Receipt receipt, record(workspace, kErasureKind, fields, subjects, clock));
    result.entries.push_back(receipt.index);
  }
  if (!fresh.empty()) {
    SIGILLO_TRY(told, read_ledger(workspace));
    SIGILLO_TRY_VOID(erased_in(told.history, fresh));
  }
  auto deleted = delete_values(workspace, all);
  if (!deleted.has_value())
    return Error{
        deleted.error().code,
        "the erasure is recorded, the values are not deleted yet: " + deleted.error().message,
        deleted.error().remedy + "; then `sigillo values erase --again`"};
  result.values = *deleted;
  return result;
}

Result<std::uint64_t> erase_again(const Workspace& workspace) {
  SIGILLO_TRY(const Told told, read_ledger(workspace));
  SIGILLO_TRY_VOID(none_in_force(told.history));
  std::vector<core::Digest> commitments;
  for (const auto& [hex, erasure] : told.history.erased()) {
    SIGILLO_TRY(const core::Digest commitment, core::Digest::from_hex(hex));
    commitments.push_back(commitment);
  }
  return delete_values(workspace, commitments);
}

}  // namespace sigillo::audit
