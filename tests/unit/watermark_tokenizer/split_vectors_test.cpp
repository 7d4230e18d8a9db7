#include <catch2/catch.hpp>

#include "sigillo/core/files.hpp"
#include "tests/unit/watermark_tokenizer/small_tokenizer.hpp"

namespace core = sigillo::core;

TEST_CASE("GPT-2's pattern cuts where the vectors say") {
  const auto bytes = core::read_file(SIGILLO_VECTORS "/tokenizer/gpt2-split.json", 1 << 20).value();
  const core::Json file = core::parse_json(core::as_text(bytes)).value();
  REQUIRE(file.size() == 2);
  REQUIRE(file.at("cases").size() >= 39);
  for (const core::Json& one : file.at("cases")) {
    REQUIRE(one.size() == 2);  // text and pieces: a misspelt member must not become a skipped check
    const auto text = one.at("text").get<std::string>();
    std::vector<std::string> pieces;
    const auto cut = sigillo::watermark::gpt2_pieces(text).value();
    for (const std::string_view piece : cut) pieces.emplace_back(piece);
    INFO(one.dump());
    CHECK(pieces == one.at("pieces").get<std::vector<std::string>>());
  }
}
