#include "sigillo/audit/witness_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "audit/lines.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

constexpr std::string_view kNoQuorum = "none";

std::vector<std::string_view> items_of(std::string_view line) {
  std::vector<std::string_view> items;
  for (;;) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return items;
    const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    items.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

bool is_allowed_octet(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet == '\t' || (octet >= 0x20 && octet != 0x7F);
}

// What an error may quote: names are any octets, a message is text for a terminal.
std::string shown(std::string_view item) {
  if (!core::is_utf8(item)) return "0x" + core::hex_encode(core::as_bytes(item));
  return fmt::format("\"{}\"", item);
}

}  // namespace

// Reads one line after the other; what is defined may be used from the next line on.
class WitnessPolicyReader {
 public:
  Result<WitnessPolicy> read(std::string_view text) {
    if (text.size() > kMaxPolicyBytes)
      return Error{ErrorCode::input_too_large,
                   fmt::format("a policy has at most {} bytes", kMaxPolicyBytes),
                   "name the policy's file"};
    while (!text.empty()) {
      ++line_number_;
      const auto line = take_line(text);
      const Status status =
          line.has_value() ? read_line(*line) : bad("the line is not ended by a line feed");
      if (!status.has_value()) return located(status.error());
    }
    if (policy_.quorum_.empty())
      return Error{ErrorCode::invalid_input, "the policy has no quorum line",
                   "end it with \"quorum NAME\", or \"quorum none\" to ask for no witness"};
    return std::move(policy_);
  }

 private:
  Error bad(std::string message) const {
    return Error{ErrorCode::invalid_input, std::move(message), ""};
  }
  Error located(Error error) const {
    error = error.in(fmt::format("policy line {}", line_number_));
    if (error.remedy.empty())
      error.remedy = "docs/formats/witness-policy.md has the grammar and an example";
    return error;
  }

  Status read_line(std::string_view line) {
    const auto octet =
        std::find_if_not(line.begin(), line.end(), [](char c) { return is_allowed_octet(c); });
    if (octet != line.end())
      return bad(fmt::format("it holds the control character 0x{:02x}{}",
                             static_cast<unsigned char>(*octet),
                             *octet == '\r' ? " (save the file with Unix line ends)" : ""));
    const std::vector<std::string_view> items = items_of(line);
    if (items.empty() || items.front().starts_with('#')) return {};
    if (items.front() == "log") return read_log(items);
    if (items.front() == "witness") return read_witness(items);
    if (items.front() == "group") return read_group(items);
    if (items.front() == "quorum") return read_quorum(items);
    return bad(fmt::format("{} is none of log, witness, group, quorum", shown(items.front())));
  }

  Status read_log(const std::vector<std::string_view>& items) {
    if (items.size() < 2 || items.size() > 3) return bad("it is no \"log VKEY [URL]\"");
    if (policy_.logs_.size() == kMaxPolicyLines) return too_many("logs");
    SIGILLO_TRY(NoteVerifier key, read_key(items[1], SignatureType::ed25519));
    policy_.logs_.push_back({std::move(key), std::string(items.size() > 2 ? items[2] : "")});
    return {};
  }

  Status read_witness(const std::vector<std::string_view>& items) {
    if (items.size() < 3 || items.size() > 4) return bad("it is no \"witness NAME VKEY [URL]\"");
    if (policy_.witnesses_.size() == kMaxPolicyLines) return too_many("witnesses");
    SIGILLO_TRY(NoteVerifier key, read_key(items[2], SignatureType::cosignature));
    SIGILLO_TRY_VOID(define(items[1]));
    policy_.witnesses_.push_back(
        {std::string(items[1]), std::move(key), std::string(items.size() > 3 ? items[3] : "")});
    return {};
  }

  Status read_group(const std::vector<std::string_view>& items) {
    if (items.size() < 4) return bad("it is no \"group NAME all|any|K MEMBER...\"");
    if (policy_.groups_.size() == kMaxPolicyLines) return too_many("groups");
    const std::vector<std::string_view> members(items.begin() + 3, items.end());
    SIGILLO_TRY(const std::size_t threshold, read_threshold(items[2], members.size()));
    WitnessPolicy::Group group{std::string(items[1]), threshold, {}};
    for (const std::string_view member : members) {
      SIGILLO_TRY_VOID(take_member(member));
      group.members.emplace_back(member);
    }
    SIGILLO_TRY_VOID(define(items[1]));
    policy_.groups_.push_back(std::move(group));
    return {};
  }

  Status read_quorum(const std::vector<std::string_view>& items) {
    if (items.size() != 2) return bad("it is no \"quorum NAME\"");
    if (!policy_.quorum_.empty()) return bad("there is a quorum line already");
    if (items[1] != kNoQuorum && !is_member_.contains(items[1]))
      return bad(fmt::format("{} is not defined on a line before", shown(items[1])));
    policy_.quorum_ = items[1];
    return {};
  }

  Result<std::size_t> read_threshold(std::string_view text, std::size_t members) const {
    if (text == "any") return std::size_t{1};
    if (text == "all") return members;
    const auto number = parse_decimal(text);
    if (!number.has_value() || *number < 1 || *number > members)
      return bad(fmt::format("{} is neither all, any nor a number from 1 to {}, of its members",
                             shown(text), members));
    return static_cast<std::size_t>(*number);
  }

  // One key says one thing: neither two votes, nor a log that is its own witness.
  Result<NoteVerifier> read_key(std::string_view vkey, SignatureType type) {
    SIGILLO_TRY(NoteVerifier key, NoteVerifier::parse(vkey));
    if (key.type() != type)
      return bad(type == SignatureType::ed25519
                     ? "the verifier key is that of a witness (type 0x04), not of a log"
                     : "the verifier key is that of a log (type 0x01), not of a witness");
    const auto [known, added] = keys_.emplace(key.key().id().hex(), line_number_);
    if (!added) return bad(fmt::format("line {} has the same public key", known->second));
    return key;
  }

  Status define(std::string_view name) {
    if (name == kNoQuorum) return bad("\"none\" can name no witness and no group");
    if (!is_member_.emplace(name, false).second)
      return bad(fmt::format("{} is defined already", shown(name)));
    return {};
  }

  Status take_member(std::string_view name) {
    const auto found = is_member_.find(name);
    if (found == is_member_.end())
      return bad(fmt::format("{} is not defined on a line before", shown(name)));
    if (found->second)
      return bad(
          fmt::format("{} is a member of a group already: it would count twice", shown(name)));
    found->second = true;
    return {};
  }

  Error too_many(std::string_view what) const {
    return Error{ErrorCode::input_too_large,
                 fmt::format("a policy has at most {} {}", kMaxPolicyLines, what), ""};
  }

  WitnessPolicy policy_;
  std::size_t line_number_ = 0;
  std::map<std::string, std::size_t> keys_;             // id of the public key -> its line
  std::map<std::string, bool, std::less<>> is_member_;  // each name -> whether a group has it
};

Result<WitnessPolicy> WitnessPolicy::parse(std::string_view text) {
  return WitnessPolicyReader().read(text);
}

bool WitnessPolicy::quorum_met(const std::set<std::string>& cosigned_by) const {
  if (quorum_ == kNoQuorum) return true;
  std::set<std::string> met;
  for (const Witness& witness : witnesses_)
    if (cosigned_by.contains(witness.name)) met.insert(witness.name);
  // A group names only what stands before it, so that one pass is enough.
  for (const Group& group : groups_) {
    const auto count = std::count_if(group.members.begin(), group.members.end(),
                                     [&](const std::string& name) { return met.contains(name); });
    if (static_cast<std::size_t>(count) >= group.threshold) met.insert(group.name);
  }
  return met.contains(quorum_);
}

CheckpointTrust trust_log(NoteVerifier log) { return {{std::move(log)}, {}, {}}; }

Result<CheckpointTrust> trust_policy(WitnessPolicy policy, const std::optional<NoteVerifier>& log,
                                     core::Timestamp now) {
  CheckpointTrust trust{{}, {}, static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.seconds))};
  for (const WitnessPolicy::Log& known : policy.logs()) trust.logs.push_back(known.key);
  if (log.has_value()) {
    const bool listed = std::find(trust.logs.begin(), trust.logs.end(), *log) != trust.logs.end();
    if (!trust.logs.empty() && !listed)
      return Error{ErrorCode::not_trusted,
                   fmt::format("the policy does not list the log {}", log->vkey()),
                   "use the policy that was made for this log"};
    trust.logs = {*log};
  }
  if (trust.logs.empty())
    return Error{ErrorCode::invalid_argument, "neither the policy nor anything else names a log",
                 "add a \"log VKEY\" line to the policy, or give the log's verifier key"};
  trust.policy = std::move(policy);
  return trust;
}

namespace {

// The log whose origin the text names has signed it; the signature of another log, or of witnesses
// alone, makes it no checkpoint.
Status check_log(const OpenedNote& opened, std::string_view origin,
                 const std::vector<NoteVerifier>& logs) {
  const auto is_log = [&](const NoteVerifier& key) {
    return key.name() == origin && key.type() == SignatureType::ed25519;
  };
  if (std::none_of(logs.begin(), logs.end(), is_log))
    return Error{
        ErrorCode::not_trusted,
        fmt::format("it is a checkpoint of \"{}\", which is no log that is trusted", origin),
        "check that it is from the log that was meant"};
  for (const NoteSigner& signer : opened.signers)
    if (is_log(signer.key) && std::find(logs.begin(), logs.end(), signer.key) != logs.end())
      return {};
  return Error{ErrorCode::signature_invalid,
               fmt::format("no key of the log \"{}\" has signed the checkpoint", origin),
               "check that the verifier key is that of the log"};
}

// Whose cosignatures hold and have a time that can be: what the quorum counts.
std::vector<Cosigned> cosignatures(const OpenedNote& opened, const CheckpointTrust& trust) {
  std::vector<Cosigned> list;
  for (const WitnessPolicy::Witness& witness : trust.policy->witnesses())
    for (const NoteSigner& signer : opened.signers) {
      if (!(signer.key == witness.key) || !signer.time.has_value()) continue;
      if (trust.now.has_value() && *signer.time > *trust.now + kMaxClockSkewSeconds) continue;
      list.push_back({witness.name, *signer.time});
    }
  return list;
}

Status check_quorum(const WitnessPolicy& policy, const std::vector<Cosigned>& cosigned) {
  std::set<std::string> names;
  for (const Cosigned& one : cosigned) names.insert(one.witness);
  if (policy.quorum_met(names)) return {};
  std::vector<std::string> shown_names;
  for (const std::string& name : names) shown_names.push_back(shown(name));
  return Error{ErrorCode::not_trusted,
               fmt::format("the quorum {} of the policy does not hold: of its {} witnesses {} "
                           "cosigned the checkpoint{}{}",
                           shown(policy.quorum()), policy.witnesses().size(), names.size(),
                           names.empty() ? "" : ": ", fmt::join(shown_names, ", ")),
               "ask the log for a checkpoint that its witnesses have cosigned, and do not rely on "
               "this one"};
}

}  // namespace

Result<TrustedCheckpoint> open_trusted_checkpoint(std::string_view note,
                                                  const CheckpointTrust& trust) {
  for (const NoteVerifier& log : trust.logs) SIGILLO_TRY_VOID(require_log_key(log));
  std::vector<NoteVerifier> known = trust.logs;
  if (trust.policy.has_value())
    for (const WitnessPolicy::Witness& witness : trust.policy->witnesses())
      known.push_back(witness.key);
  SIGILLO_TRY(const OpenedNote opened, open_note(note, known));
  SIGILLO_TRY(Checkpoint checkpoint, parse_checkpoint_text(opened.text));
  SIGILLO_TRY_VOID(check_log(opened, checkpoint.origin, trust.logs));
  TrustedCheckpoint trusted{std::move(checkpoint), {}};
  if (!trust.policy.has_value()) return trusted;
  trusted.cosigned = cosignatures(opened, trust);
  SIGILLO_TRY_VOID(check_quorum(*trust.policy, trusted.cosigned));
  return trusted;
}

}  // namespace sigillo::audit
