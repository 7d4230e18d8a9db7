#include "app/cli/time_stamp_files.hpp"

#include <fmt/format.h>

#include "app/client/http_client.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
using core::Error;
using core::ErrorCode;
using core::Result;

void add_authority_options(Command command, AuthorityArguments& arguments,
                           const std::string& tsa_help) {
  command.option("--tsa", arguments.tsa, tsa_help);
  command.option("--request", arguments.request,
                 "without --response: file to write the query to, for a machine that is "
                 "connected; with it: that query");
  command.option("--response", arguments.response, "file with the authority's answer");
  command.option("--tsa-roots", arguments.roots,
                 "root certificates of the authority (PEM); nothing is trusted by itself");
  command.option("--timeout", arguments.timeout_seconds, "seconds to wait for the authority")
      .between(1, 300)
      .show_default();
}

Result<core::TimeStampRoots> read_roots(const std::string& file) {
  SIGILLO_TRY(const core::Bytes pem, core::read_file(file, core::kMaxTimeStampRootsBytes));
  auto roots = core::TimeStampRoots::from_pem(core::as_text(pem));
  if (!roots.has_value()) return roots.error().in(file);
  return roots;
}

Result<core::Bytes> ask_authority(const AuthorityArguments& arguments, const core::Bytes& query) {
  client::HttpPost post;
  post.url = arguments.tsa;
  post.body = core::as_text(query);
  post.content_type = core::kTimeStampQueryType;
  post.timeout = std::chrono::seconds(arguments.timeout_seconds);
  post.max_answer_bytes = core::kMaxTimeStampBytes;
  SIGILLO_TRY(const client::HttpAnswer answer, client::http_post(post));
  if (answer.status != 200)
    return Error{ErrorCode::io_error,
                 fmt::format("{} answers with status {}", arguments.tsa, answer.status),
                 "check that the URL is that of an RFC 3161 authority, then try again"};
  return core::to_bytes(answer.body);
}

std::string stamp_time(const core::TimeStamp& stamp) {
  const std::string time = core::to_rfc3339(stamp.time);
  if (!stamp.accuracy_micros.has_value()) return time;
  return fmt::format("{}, to {} s", time, static_cast<double>(*stamp.accuracy_micros) / 1e6);
}

Result<StampedNote> newest_stamp(const audit::Workspace& workspace, const audit::Ledger& ledger,
                                 const audit::NoteVerifier& log, std::uint64_t index,
                                 const std::function<bool(const std::string& note)>& accept) {
  SIGILLO_TRY(const std::vector<audit::RecordedStamp> stamps, audit::recorded_time_stamps(ledger));
  SIGILLO_TRY(const std::vector<audit::StoredCheckpoint> checkpoints, ledger.checkpoints());
  for (auto stamp = stamps.rbegin(); stamp != stamps.rend(); ++stamp) {
    if (stamp->size <= index) continue;
    for (const audit::StoredCheckpoint& stored : checkpoints) {
      if (stored.size != stamp->size) continue;
      const auto stamped = audit::stamped_checkpoint(stored.note, {log});
      const auto response = workspace.blobs().get(stamp->token);
      if (!stamped.has_value() || !response.has_value()) continue;
      const auto claims = core::read_time_stamp(*response);
      if (claims.has_value() && claims->imprint == stamped->imprint() && accept(stored.note))
        return StampedNote{stored.note, *response};
    }
  }
  return Error{ErrorCode::not_found, "no stored checkpoint covers the entry and has a time stamp",
               "`sigillo log stamp` gets one for the latest checkpoint"};
}

}  // namespace sigillo::cli
