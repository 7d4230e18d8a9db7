#include <catch2/catch.hpp>

#include "tests/sanitizer.hpp"
#include "tests/unit/watermark_tokenizer/small_tokenizer.hpp"

namespace core = sigillo::core;
namespace watermark = sigillo::watermark;
using core::ErrorCode;
using test::Json;
using test::Merges;
using watermark::TokenId;
using watermark::Tokenizer;

namespace {

Tokenizer make(const Merges& merges, bool pairs = false) {
  return Tokenizer::from_json(test::tokenizer_json(merges, pairs).dump()).value();
}

ErrorCode refusal(const Json& file) {
  const auto read = Tokenizer::from_json(file.dump());
  REQUIRE_FALSE(read.has_value());
  INFO(read.error().message);
  CHECK_FALSE(read.error().message.empty());
  return read.error().code;
}

const Merges kHello{{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"}, {" ", "w"}};

}  // namespace

TEST_CASE("a small tokenizer encodes as worked out by hand") {
  const auto tokenizer = make(kHello);
  CHECK(tokenizer.vocabulary_size() == 261);
  CHECK(tokenizer.encode("hello hell").value() == std::vector<TokenId>{259, ' ', 258});
  CHECK(tokenizer.encode("hel wow").value() == std::vector<TokenId>{256, 'l', 260, 'o', 'w'});
  CHECK(tokenizer.encode("").value().empty());
  CHECK(tokenizer.decode(std::vector<TokenId>{259, 260, 'o'}).value() == "hello wo");
}

TEST_CASE("both forms of merges mean the same, and the digest is the file's") {
  const auto one = make(kHello, false);
  const auto other = make(kHello, true);
  CHECK(one.encode("hello world, hell").value() == other.encode("hello world, hell").value());
  CHECK(one.digest() == core::sha256(test::tokenizer_json(kHello, false).dump()));
  CHECK(one.digest() != other.digest());
}

TEST_CASE("byte symbols are GPT-2's") {
  for (int b = 0; b < 256; ++b)
    CHECK(watermark::byte_symbol(static_cast<std::uint8_t>(b)) ==
          test::symbol(static_cast<unsigned char>(b)));
}

TEST_CASE("any bytes survive encoding and decoding") {
  test::Random random(1);
  const auto tokenizer = make(random.merges(60, "ab \xC3\xA9\xFF"));
  for (int i = 0; i < 2000; ++i) {
    const std::string text = i % 2 == 0
                                 ? random.bytes(random.below(80))
                                 : random.text(random.below(80), "ab \xC3\xA9\xFF\xF0\x9F\x98\x80");
    CHECK(tokenizer.decode(tokenizer.encode(text).value()).value() == text);
  }
}

TEST_CASE("ASCII text is cut and merged as the slow implementations do") {
  test::Random random(2);
  constexpr std::string_view alphabet = "aabst l're'vdm  \n\t1 2.,";
  for (int round = 0; round < (test::kSanitized ? 12 : 60); ++round) {
    const Merges merges = random.merges(1 + random.below(40), "ab st'l1.");
    const auto tokenizer = make(merges, round % 2 == 0);
    for (int i = 0; i < 20; ++i) {
      const std::string text = random.text(random.below(60), alphabet);
      std::vector<TokenId> expected;
      for (const auto& piece : test::slow_ascii_pieces(text))
        for (const TokenId id : test::slow_bpe(piece, merges)) expected.push_back(id);
      INFO(text);
      REQUIRE(tokenizer.encode(text).value() == expected);
    }
  }
}

TEST_CASE("one long piece is merged as the slow implementation does") {
  test::Random random(3);
  for (int round = 0; round < (test::kSanitized ? 6 : 30); ++round) {
    const Merges merges = random.merges(30, "abc");
    const std::string piece = random.text(200, "abc");
    CHECK(make(merges).encode(piece).value() == test::slow_bpe(piece, merges));
  }
}

TEST_CASE("a run of bad bytes is a piece of its own") {
  const auto pieces = [](std::string_view text) {
    std::vector<std::string> out;
    const auto cut = watermark::gpt2_pieces(text).value();
    for (const auto piece : cut) out.emplace_back(piece);
    return out;
  };
  using Pieces = std::vector<std::string>;
  CHECK(pieces("a \xFF\xFE b") == Pieces{"a", " ", "\xFF\xFE", " b"});
  CHECK(pieces("\xE2\x82") == Pieces{"\xE2\x82"});  // cut short
  CHECK(pieces("\xE2\x82\xAC\xE2\x82") ==
        Pieces{"\xE2\x82\xAC", "\xE2\x82"});                              // whole, then cut short
  CHECK(pieces("\xC0\x80x") == Pieces{"\xC0\x80", "x"});                  // overlong
  CHECK(pieces("\xED\xA0\x80x") == Pieces{"\xED\xA0\x80", "x"});          // surrogate
  CHECK(pieces("\xF4\x90\x80\x80x") == Pieces{"\xF4\x90\x80\x80", "x"});  // past U+10FFFF
  CHECK(pieces("\xF4\x8F\xBF\xBF") == Pieces{"\xF4\x8F\xBF\xBF"});
  CHECK(pieces("a  \xFF") ==
        Pieces{"a", "  ", "\xFF"});  // white space before bad bytes ends its text
}

TEST_CASE("a megabyte without a space is not quadratic") {
  test::Random random(4);
  const auto tokenizer = make(random.merges(80, "ab"));
  for (const std::string& text :
       {std::string(std::size_t{1} << 20, 'a'), random.text(std::size_t{1} << 20, "ab"),
        std::string(std::size_t{1} << 20, '\n') + "a"}) {
    CHECK(tokenizer.decode(tokenizer.encode(text).value()).value() == text);
  }
}

TEST_CASE("decode names the position of an id that is no token") {
  const auto tokenizer = make(kHello);
  for (const TokenId bad : {-1, 261, 1 << 30}) {
    const auto text = tokenizer.decode(std::vector<TokenId>{5, 6, bad});
    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().code == ErrorCode::invalid_input);
    CHECK(text.error().message.find("position 2") != std::string::npos);
  }
}

TEST_CASE("added tokens decode to their content and are never encoded") {
  Json file = test::tokenizer_json(kHello);
  const auto entry = [](int id, const char* content) {
    return Json{{"id", id}, {"content", content}, {"special", true}, {"normalized", false}};
  };
  file["added_tokens"] = Json::array({entry(261, "<|end of text|>"), entry(262, "<pad>")});
  file["model"]["vocab"]["<pad>"] = 262;  // GPT-2's own file lists its special token in both places
  const auto tokenizer = Tokenizer::from_json(file.dump()).value();
  CHECK(tokenizer.vocabulary_size() == 263);
  CHECK(tokenizer.decode(std::vector<TokenId>{261, 262}).value() == "<|end of text|><pad>");
  const auto ids = tokenizer.encode("<|end of text|><pad>").value();
  CHECK(std::all_of(ids.begin(), ids.end(), [](TokenId id) { return id < 261; }));
  file["added_tokens"][1]["id"] = 3;
  CHECK(refusal(file) == ErrorCode::invalid_input);
  file["added_tokens"] = Json::array({entry(300, "far")});
  CHECK(refusal(file) == ErrorCode::invalid_input);
  file["added_tokens"] = Json::array({entry(261, "a"), entry(261, "b")});
  CHECK(refusal(file) == ErrorCode::invalid_input);
}

TEST_CASE("what would change ids is refused by name") {
  struct Case {
    const char* pointer;
    Json value;
  };
  const std::vector<Case> cases{{"/model/type", "WordPiece"},
                                {"/model/type", "Unigram"},
                                {"/model/dropout", 0.1},
                                {"/model/unk_token", "<unk>"},
                                {"/model/continuing_subword_prefix", "##"},
                                {"/model/end_of_word_suffix", "</w>"},
                                {"/model/fuse_unk", true},
                                {"/model/byte_fallback", true},
                                {"/model/ignore_merges", true},
                                {"/model/new_option", 1},
                                {"/normalizer", {{"type", "NFC"}}},
                                {"/pre_tokenizer", nullptr},
                                {"/pre_tokenizer", {{"type", "Metaspace"}}},
                                {"/pre_tokenizer", {{"type", "ByteLevel"}}},
                                {"/pre_tokenizer/add_prefix_space", true},
                                {"/pre_tokenizer/use_regex", false},
                                {"/pre_tokenizer/other", 1},
                                {"/post_processor", {{"type", "TemplateProcessing"}}},
                                {"/decoder", {{"type", "WordPiece"}}},
                                {"/truncation", {{"max_length", 5}}},
                                {"/padding", {{"strategy", "BatchLongest"}}},
                                {"/version", "2.0"},
                                {"/other", 1}};
  for (const Case& one : cases) {
    Json file = test::tokenizer_json(kHello);
    file[Json::json_pointer(one.pointer)] = one.value;
    INFO(one.pointer);
    CHECK(refusal(file) == ErrorCode::unsupported);
  }
}

TEST_CASE("options that are off are accepted") {
  Json file = test::tokenizer_json(kHello);
  for (const char* option : {"fuse_unk", "byte_fallback", "ignore_merges"})
    file["model"][option] = false;
  for (const char* option : {"dropout", "unk_token"}) file["model"][option] = nullptr;
  for (const char* option : {"continuing_subword_prefix", "end_of_word_suffix"})
    file["model"][option] = "";
  file["post_processor"] = {{"type", "ByteLevel"}, {"trim_offsets", false}};
  file["pre_tokenizer"]["use_regex"] = true;
  file["decoder"] = nullptr;
  CHECK(Tokenizer::from_json(file.dump()).has_value());
  file["model"].erase("type");  // early files have none
  CHECK(Tokenizer::from_json(file.dump()).has_value());
}

TEST_CASE("broken files are refused") {
  const Json good = test::tokenizer_json(kHello);
  const auto changed = [&](const char* pointer, Json value) {
    Json file = good;
    file[Json::json_pointer(pointer)] = std::move(value);
    return file;
  };
  for (const auto& file : {Json(nullptr),
                           Json(1),
                           Json::array(),
                           changed("/model", 1),
                           changed("/model/vocab", 1),
                           changed("/model/vocab", Json::array()),
                           changed("/model/vocab/he", 999),
                           changed("/model/vocab/he", 5),
                           changed("/model/vocab/he", -1),
                           changed("/model/vocab/he", 1.5),
                           changed("/model/vocab/he", "256"),
                           changed("/model/vocab/he", 1099511627776),
                           changed("/model/merges", nullptr),
                           changed("/model/merges", Json::object()),
                           changed("/model/merges/0", "he"),
                           changed("/model/merges/0", "h e l"),
                           changed("/model/merges/0", Json::array({"h"})),
                           changed("/model/merges/0", Json::array({"h", 1})),
                           changed("/model/merges/0", "x y"),
                           changed("/model/merges/4", "h e"),
                           changed("/added_tokens", 1),
                           changed("/added_tokens", Json::array({1})),
                           changed("/added_tokens", Json::array({{{"id", 261}}}))}) {
    INFO(file.dump().substr(0, 200));
    const auto code = refusal(file);
    CHECK((code == ErrorCode::invalid_input || code == ErrorCode::unsupported));
  }
  // A token that is not made of byte symbols, in the last id's place.
  Json odd = good;
  odd["model"]["vocab"]["\xE6\x97\xA5"] = 261;
  CHECK(refusal(odd) == ErrorCode::invalid_input);
  odd["model"]["vocab"].erase("\xE6\x97\xA5");
  odd["model"]["vocab"][""] = 261;
  CHECK(refusal(odd) == ErrorCode::invalid_input);
}

TEST_CASE("each of the 256 byte symbols is needed") {
  for (int b = 0; b < 256; ++b) {
    Json file = test::tokenizer_json({});
    file["model"]["vocab"].erase(test::symbol(static_cast<unsigned char>(b)));
    file["model"]["vocab"]["qq"] = b;  // dense all the same
    CHECK(refusal(file) == ErrorCode::invalid_input);
  }
}

TEST_CASE("duplicate names and cut files are refused") {
  const std::string text = test::tokenizer_json(kHello).dump();
  REQUIRE(Tokenizer::from_json(text).has_value());
  for (std::size_t length = 0; length < text.size(); ++length)
    CHECK_FALSE(Tokenizer::from_json(text.substr(0, length)).has_value());
  std::string twice = text;
  twice.replace(twice.find("\"he\":256"), 8, "\"he\":256,\"he\":256");
  CHECK_FALSE(Tokenizer::from_json(twice).has_value());
  CHECK_FALSE(Tokenizer::from_json(text + "x").has_value());
  CHECK_FALSE(Tokenizer::from_json(std::string(5000, '[')).has_value());
}

TEST_CASE("random damage gives an error or a tokenizer that works") {
  const std::string text = test::tokenizer_json(kHello).dump();
  test::Random random(5);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = text;
    for (std::size_t k = 0; k <= random.below(3); ++k)
      damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    const auto read = Tokenizer::from_json(damaged);
    if (read.has_value())
      CHECK(read->decode(read->encode("hello wow\xFF").value()).value() == "hello wow\xFF");
  }
}

TEST_CASE("limits: at each, and one past it") {
  const auto file_of = [](std::size_t size) {
    std::string text = test::tokenizer_json(kHello).dump();
    return text + std::string(size - text.size(), ' ');
  };
  CHECK(Tokenizer::from_json(file_of(watermark::kMaxTokenizerFileBytes)).has_value());
  CHECK(Tokenizer::from_json(file_of(watermark::kMaxTokenizerFileBytes + 1)).error().code ==
        ErrorCode::input_too_large);

  const std::string text(watermark::kMaxTokenizerTextBytes + 1, 'a');
  CHECK(watermark::gpt2_pieces(std::string_view(text).substr(1)).value().size() == 1);
  CHECK(watermark::gpt2_pieces(text).error().code == ErrorCode::input_too_large);
  CHECK(make({}).encode(text).error().code == ErrorCode::input_too_large);

  Json file = test::tokenizer_json({});
  file["model"]["vocab"][std::string(watermark::kMaxTokenBytes, 'a')] = 256;
  const auto longest = Tokenizer::from_json(file.dump());
  REQUIRE(longest.has_value());
  file["model"]["vocab"].erase(std::string(watermark::kMaxTokenBytes, 'a'));
  file["model"]["vocab"][std::string(watermark::kMaxTokenBytes + 1, 'a')] = 256;
  CHECK(refusal(file) == ErrorCode::invalid_input);

  std::vector<TokenId> many(watermark::kMaxTokenizerTextBytes / watermark::kMaxTokenBytes, 256);
  CHECK(longest->decode(many).value().size() == watermark::kMaxTokenizerTextBytes);
  many.push_back(0);
  CHECK(longest->decode(many).error().code == ErrorCode::input_too_large);
}

TEST_CASE("the vocabulary's limit") {
  std::string file = test::tokenizer_json({}).dump();
  const std::size_t place = file.find("\"vocab\":{") + 9;
  std::string entries;
  for (std::size_t id = 256; id < watermark::kMaxTokenizerVocabulary; ++id)
    entries += "\"0" + std::to_string(id) + "\":" + std::to_string(id) + ",";
  file.insert(place, entries);
  const auto largest = Tokenizer::from_json(file);
  REQUIRE(largest.has_value());
  CHECK(static_cast<std::size_t>(largest->vocabulary_size()) == watermark::kMaxTokenizerVocabulary);
  file.insert(place, "\"00\":1048576,");
  CHECK(Tokenizer::from_json(file).error().code == ErrorCode::input_too_large);
}
