// Time stamps as the command line meets them: files of roots and responses, stamps in the ledger.
#pragma once

#include <functional>
#include <string>

#include "app/cli/command.hpp"
#include "sigillo/audit/time_stamp.hpp"

namespace sigillo::cli {

// How an authority is reached: at a URL, or by files that somebody carries to it.
struct AuthorityArguments {
  std::string tsa, request, response, roots;
  int timeout_seconds = 30;
};
// Declares --tsa with this help, --request, --response, --tsa-roots and --timeout.
void add_authority_options(Command command, AuthorityArguments& arguments,
                           const std::string& tsa_help);

// Reads roots (PEM); errors name the file.
[[nodiscard]] core::Result<core::TimeStampRoots> read_roots(const std::string& file);
// Sends a query to the authority at --tsa, and gives its answer, unverified. io_error if it has
// none.
[[nodiscard]] core::Result<core::Bytes> ask_authority(const AuthorityArguments& arguments,
                                                      const core::Bytes& query);
// "2026-11-25T12:00:00Z, to 1.5 s", as its authority bounds it.
[[nodiscard]] std::string stamp_time(const core::TimeStamp& stamp);

struct StampedNote {
  std::string note;      // the stored checkpoint, with all its lines
  core::Bytes response;  // the time stamp on it
};
// newest_stamp gives the newest stored checkpoint that has a time stamp in the ledger, covers entry
// `index`, and is one that `accept` takes. not_found if there is none.
[[nodiscard]] core::Result<StampedNote> newest_stamp(
    const audit::Workspace& workspace, const audit::Ledger& ledger, const audit::NoteVerifier& log,
    std::uint64_t index, const std::function<bool(const std::string& note)>& accept);

}  // namespace sigillo::cli
