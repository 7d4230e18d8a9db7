#include "examples/tinylm/corpus.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sigillo/core/files.hpp"

namespace tinylm {
namespace fs = std::filesystem;
namespace core = sigillo::core;
using core::Error;
using core::ErrorCode;
using core::Result;
namespace {

Error too_large(std::string what) {
  return {ErrorCode::input_too_large, std::move(what), "use a smaller corpus"};
}

Result<std::vector<fs::path>> list_files(const fs::path& folder) {
  std::error_code failure;
  if (!fs::is_directory(folder, failure))
    return Error{ErrorCode::not_found, fmt::format("{} is not a folder", folder.string()),
                 "name the folder of the corpus"};
  std::vector<fs::path> files;
  fs::recursive_directory_iterator entry(folder, failure);
  for (const fs::recursive_directory_iterator end; !failure && entry != end;
       entry.increment(failure)) {
    if (!fs::is_regular_file(entry->symlink_status())) continue;
    files.push_back(entry->path());
    if (files.size() > kMaxDocuments)
      return too_large(fmt::format("more than {} files", kMaxDocuments));
  }
  if (failure) return core::error_from_errno(failure.value(), "cannot list", folder);
  std::sort(files.begin(), files.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return files;
}

}  // namespace

Result<std::vector<std::string>> read_corpus(const fs::path& folder, const Control& control) {
  SIGILLO_TRY(const auto files, list_files(folder));
  std::vector<std::string> documents;
  std::size_t total = 0;
  for (const fs::path& file : files) {
    if (control.stop_requested()) return stopped();
    SIGILLO_TRY(const core::Bytes bytes, core::read_file(file, kMaxDocumentBytes));
    total += bytes.size();
    if (total > kMaxCorpusBytes)
      return too_large(fmt::format("more than {} bytes of text", kMaxCorpusBytes));
    if (!bytes.empty()) documents.emplace_back(core::as_text(bytes));
  }
  if (documents.empty())
    return Error{ErrorCode::invalid_input, fmt::format("no text below {}", folder.string()),
                 "name a folder with text files"};
  return documents;
}

}  // namespace tinylm
