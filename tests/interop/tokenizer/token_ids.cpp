// token_ids TOKENIZER.json: reads a JSON array of strings on standard input, writes the array of
// their token ids.
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sigillo/core/files.hpp"
#include "sigillo/core/json.hpp"
#include "sigillo/watermark/tokenizer.hpp"

namespace {
namespace core = sigillo::core;
namespace watermark = sigillo::watermark;

core::Result<std::string> token_ids(const char* path) {
  SIGILLO_TRY(const auto bytes, core::read_file(path, watermark::kMaxTokenizerFileBytes));
  SIGILLO_TRY(const auto tokenizer, watermark::Tokenizer::from_json(core::as_text(bytes)));
  SIGILLO_TRY(const auto input, core::read_file("-", std::size_t{16} << 20));
  SIGILLO_TRY(const auto texts, core::parse_json(core::as_text(input)));
  core::Json all = core::Json::array();
  for (const auto& text : texts) {
    SIGILLO_TRY(const auto ids, tokenizer.encode(text.get<std::string>()));
    all.push_back(ids);
  }
  return all.dump();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: token_ids TOKENIZER.json\n", 3;
  const auto ids = token_ids(argv[1]);
  if (!ids.has_value()) return std::cerr << ids.error().message << '\n', 3;
  std::cout << *ids << '\n';
  return 0;
}
