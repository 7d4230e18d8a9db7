#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/cli/time_stamp_files.hpp"
#include "app/client/http_client.hpp"
#include "sigillo/audit/shards.hpp"
#include "sigillo/audit/sigstore.hpp"
#include "sigillo/audit/verify_proof.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using audit::SigstoreEntry;
using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;

struct SigstoreArguments : AuthorityArguments {
  std::uint64_t entry = 0;
  std::string output, trusted_root;
};

// How a time stamp on the entry's signature comes into the bundle.
enum class Stamping { none, online, write_request, take_response };

Result<Stamping> stamping_of(const SigstoreArguments& arguments) {
  const bool online = !arguments.tsa.empty();
  const bool query = !arguments.request.empty();
  const bool answer = !arguments.response.empty();
  if ((online && (query || answer)) || (answer && !query))
    return Error{ErrorCode::invalid_argument, "it is not said how to reach the authority, or twice",
                 "give --tsa URL; or --request FILE, and later --request FILE --response FILE"};
  if ((online || answer) != !arguments.roots.empty())
    return Error{ErrorCode::invalid_argument, "an authority's answer and its roots go together",
                 "give --tsa-roots with the authority's root certificates beside --tsa or "
                 "--response"};
  if (query && !answer) return Stamping::write_request;
  if (arguments.output.empty())
    return Error{ErrorCode::invalid_argument, "it is not said where the bundle goes",
                 "give --output FILE"};
  if (online) return Stamping::online;
  return answer ? Stamping::take_response : Stamping::none;
}

Result<SigstoreEntry> prove(const Context& context, const SigstoreArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().log_key));
  SIGILLO_TRY(const audit::Ledger ledger, workspace.ledger(audit::Ledger::Access::read));
  const std::uint64_t shard = workspace.config().shard;
  SIGILLO_TRY(const audit::EntryPlace place, audit::locate(workspace, arguments.entry));
  if (place.shard == shard) return audit::prove_sigstore_entry(ledger, place.index, key);
  return Error{ErrorCode::unsupported,
               fmt::format("entry {} is in shard {}, which is sealed: its key signs no more",
                           arguments.entry, place.shard),
               "`sigillo log prove` gives its receipt"};
}

Result<ExitCode> write_request(Context& context, const SigstoreArguments& arguments,
                               const SigstoreEntry& entry) {
  SIGILLO_TRY(const core::Bytes query, core::time_stamp_query(entry.imprint(), context.entropy));
  SIGILLO_TRY_VOID(core::write_file_atomically(arguments.request, query));
  if (context.json)
    print_out("{}", json_line(Json{{"request", arguments.request},
                                   {"entry", entry.index},
                                   {"imprint", entry.imprint().hex()}}));
  else
    print_out(
        "{} asks for a time stamp on the signature of entry {}; have it answered, then add "
        "--response FILE --tsa-roots FILE\n",
        arguments.request, entry.index);
  return ExitCode::done;
}

struct Answer {
  core::Bytes response;   // empty: none was asked for
  core::TimeStamp stamp;  // what it says, verified
};

Result<Answer> answer_for(Context& context, const SigstoreArguments& arguments, Stamping stamping,
                          const SigstoreEntry& entry) {
  Answer answer;
  if (stamping == Stamping::none) return answer;
  SIGILLO_TRY(const core::TimeStampRoots roots, read_roots(arguments.roots));
  core::Bytes query;
  if (stamping == Stamping::online) {
    SIGILLO_TRY(query, core::time_stamp_query(entry.imprint(), context.entropy));
    SIGILLO_TRY(answer.response, ask_authority(arguments, query));
  } else {
    SIGILLO_TRY(query, core::read_file(arguments.request, core::kMaxTimeStampQueryBytes));
    SIGILLO_TRY(answer.response, core::read_file(arguments.response, core::kMaxTimeStampBytes));
  }
  SIGILLO_TRY(answer.stamp, core::verify_time_stamp_answer(answer.response, query, entry.imprint(),
                                                           roots, context.clock.now()));
  return answer;
}

void tell(const Context& context, const SigstoreArguments& arguments, const SigstoreEntry& entry,
          const Answer& answer) {
  if (context.json) {
    Json json{{"entry", entry.index},          {"log", entry.log.vkey()},
              {"size", entry.checkpoint.size}, {"signer", entry.signer.id().hex()},
              {"bundle", arguments.output},    {"time_stamp", nullptr}};
    if (!answer.response.empty()) json["time_stamp"] = audit::to_json(answer.stamp);
    print_out("{}", json_line(json));
    return;
  }
  print_out("{}: entry {} of {} at size {}\n", arguments.output, entry.index, entry.log.name(),
            entry.checkpoint.size);
  if (answer.response.empty())
    print_out(
        "no time stamp: verifiers that ask for one, as they do unless told otherwise, refuse "
        "it\n");
  else
    print_out("signature stamped by {} at {}\n", printable(answer.stamp.authority),
              stamp_time(answer.stamp));
}

Result<ExitCode> sigstore_bundle(Context& context, const SigstoreArguments& arguments) {
  SIGILLO_TRY(const Stamping stamping, stamping_of(arguments));
  if (!arguments.output.empty() && arguments.output == arguments.trusted_root)
    return Error{ErrorCode::invalid_argument, "bundle and trusted root would be the same file",
                 "name another file for --trusted-root"};
  if (stamping == Stamping::online) SIGILLO_TRY_VOID(client::check_http_url(arguments.tsa));
  SIGILLO_TRY(const SigstoreEntry entry, prove(context, arguments));
  if (stamping == Stamping::write_request) return write_request(context, arguments, entry);
  const auto answer = answer_for(context, arguments, stamping, entry);
  if (!answer.has_value()) return answer.error();
  SIGILLO_TRY(const std::string bundle, audit::sigstore_bundle(entry, answer->response));
  SIGILLO_TRY_VOID(core::write_file_atomically(arguments.output, core::as_bytes(bundle)));
  if (!arguments.trusted_root.empty()) {
    SIGILLO_TRY(const std::string root,
                audit::sigstore_trusted_root(entry, answer->stamp.certificates));
    SIGILLO_TRY_VOID(core::write_file_atomically(arguments.trusted_root, core::as_bytes(root)));
  }
  tell(context, arguments, entry, *answer);
  return ExitCode::done;
}

}  // namespace

void add_sigstore_command(Command app, Context& context) {
  auto arguments = std::make_shared<SigstoreArguments>();
  Command command =
      add_command(app.find_group("log"), context, "sigstore-bundle",
                  "write an entry as a Sigstore bundle (v0.3), for verifiers that read those",
                  [&context, arguments] { return sigstore_bundle(context, *arguments); });
  command.option("entry", arguments->entry, "its index")
      .required()
      .between(std::uint64_t{0}, std::uint64_t{core::kMaxJsonInteger});
  command.option("-o,--output", arguments->output, "file to write the bundle to");
  command.option("--trusted-root", arguments->trusted_root,
                 "file to write a trusted root (v0.2) to: the log's key, and the authority that "
                 "stamped; the signer's key is `sigillo keys export owner --format pem`");
  add_authority_options(command, *arguments,
                        "URL of an RFC 3161 time-stamping authority, http or https, to stamp the "
                        "entry's signature");
  command.footer(
      "The bundle's log is derived from the ledger: its name ends in /sigstore, and its leaves are "
      "hashedrekord 0.0.2 entries with the hash of each envelope. It is stored nowhere, and is not "
      "Sigstore's.");
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
