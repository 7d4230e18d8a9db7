#include "sigillo/watermark/tokenizer.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <queue>
#include <span>
#include <unordered_map>

namespace sigillo::watermark {
namespace {

using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

// ---- UTF-8
// ----------------------------------------------------------------------------------------------------------

// Length of the well-formed code point that text starts with, 0 if there is none (Unicode 15, table
// 3-7).
std::size_t code_point_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xBF; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return text.empty() ? 0 : 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return byte(1) >= low && byte(1) <= high && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return byte(1) >= low && byte(1) <= high && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

std::size_t well_formed_run(std::string_view text) {
  std::size_t length = 0;
  while (const std::size_t step = code_point_length(text.substr(length))) length += step;
  return length;
}

std::size_t ill_formed_run(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && code_point_length(text.substr(length)) == 0) ++length;
  return length;
}

// ---- GPT-2's split
// --------------------------------------------------------------------------------------------------

// White_Space is spelled out because no two engines agree on \s: PCRE2's takes U+180E in and
// JavaScript's leaves U+0085 out, whereas the engine behind tokenizer.json follows Unicode. The
// possessive quantifiers change no match: what follows them can never start with what they took.
// They keep the matcher from storing a way back for each character.
#define SIGILLO_WHITE_SPACE \
  R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})"
constexpr char kGpt2Pattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}++| ?\p{N}++| ?[^\p{L}\p{N})" SIGILLO_WHITE_SPACE
    R"(]++|[)" SIGILLO_WHITE_SPACE R"(]+(?![^)" SIGILLO_WHITE_SPACE R"(])|[)" SIGILLO_WHITE_SPACE
    R"(]++)";
#undef SIGILLO_WHITE_SPACE

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};

// The compiled pattern; shared by all threads once made, as PCRE2 allows.
const pcre2_code* gpt2_pattern() {
  static const std::unique_ptr<pcre2_code, FreeCode> code = [] {
    int error = 0;
    PCRE2_SIZE offset = 0;
    const auto* pattern = reinterpret_cast<PCRE2_SPTR>(kGpt2Pattern);
    std::unique_ptr<pcre2_code, FreeCode> made(pcre2_compile(
        pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_ANCHORED, &error, &offset, nullptr));
    SIGILLO_CHECK(made != nullptr);
    // Refused where memory may not be executable; the interpreter then gives the same matches,
    // slower.
    static_cast<void>(pcre2_jit_compile(made.get(), PCRE2_JIT_COMPLETE));
    return made;
  }();
  return code.get();
}

// Appends the pieces of a well-formed run. Each alternative of the pattern takes at least one
// character and every character belongs to one of the classes, so matches follow each other without
// gaps; a gap would be a bug or a matcher's limit.
Status split_well_formed(std::string_view text, pcre2_match_data* match,
                         std::vector<std::string_view>& out) {
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(match);
  std::size_t position = 0;
  while (position < text.size()) {
    // The run was checked by well_formed_run; PCRE2 would check all of it again for each match.
    const int count = pcre2_match(gpt2_pattern(), subject, text.size(), position,
                                  PCRE2_NO_UTF_CHECK, match, nullptr);
    if (count <= 0 || bounds[1] <= position)
      return Error{ErrorCode::input_too_large,
                   fmt::format("PCRE2 gave up at byte {} (code {})", position, count),
                   "cut the text into shorter parts"};
    out.push_back(text.substr(position, bounds[1] - position));
    position = bounds[1];
  }
  return {};
}

// ---- GPT-2's byte map
// -----------------------------------------------------------------------------------------------

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::size_t kSymbolEnd = 256 + 68;  // 68 bytes do not stand for themselves

struct ByteMap {
  std::array<char16_t, 256> symbol{};
  std::array<std::int16_t, kSymbolEnd> byte{};  // -1: no byte has this symbol
};

constexpr ByteMap make_byte_map() {
  ByteMap map;
  for (auto& entry : map.byte) entry = -1;
  unsigned next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const unsigned symbol = stands_for_itself(byte) ? byte : next++;
    map.symbol[byte] = static_cast<char16_t>(symbol);
    map.byte[symbol] = static_cast<std::int16_t>(byte);
  }
  return map;
}
constexpr ByteMap kByteMap = make_byte_map();
static_assert(kByteMap.symbol[0xAD] == kSymbolEnd - 1);

// The bytes that a token's symbols stand for; nothing if a character is no symbol. text is
// well-formed UTF-8.
std::optional<std::string> bytes_of_symbols(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = code_point_length(text.substr(i));
    unsigned value = static_cast<unsigned char>(text[i]);
    // All symbols lie below U+0144: one or two bytes.
    if (length == 2)
      value = (value & 0x1FU) << 6 | (static_cast<unsigned char>(text[i + 1]) & 0x3FU);
    if (length < 1 || length > 2 || value >= kSymbolEnd || kByteMap.byte[value] < 0)
      return std::nullopt;
    bytes.push_back(static_cast<char>(kByteMap.byte[value]));
    i += length;
  }
  return bytes;
}

// ---- Reading tokenizer.json
// -----------------------------------------------------------------------------------------

Error unsupported(std::string_view member, const Json& value) {
  std::string shown = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (shown.size() > 80) shown = shown.substr(0, 77) + "...";
  return Error{ErrorCode::unsupported,
               fmt::format("tokenizer.json: {} = {} is not supported", member, shown),
               "use a byte-level BPE tokenizer with GPT-2's pre-tokenizer, or give token ids"};
}

Error invalid(std::string message) {
  return Error{ErrorCode::invalid_input, "tokenizer.json: " + std::move(message),
               "fetch the file again from its source"};
}

// The value of a member, or null where there is none.
const Json& member_or_null(const Json& object, const char* name) {
  static const Json null;
  const auto found = object.find(name);
  return found == object.end() ? null : *found;
}

Status expect_known_members(const Json& object, std::string_view where,
                            std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return invalid(fmt::format("{} is not an object", where));
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return unsupported(fmt::format("{} member \"{}\"", where, name), value);
  }
  return {};
}

// A member that must be absent, null or equal to `harmless`.
Status expect_off(const Json& object, const char* name, std::string_view where,
                  const Json& harmless) {
  const Json& value = member_or_null(object, name);
  if (value.is_null() || value == harmless) return {};
  return unsupported(fmt::format("{}.{}", where, name), value);
}

Status check_byte_level(const Json& value, const char* name, bool required) {
  if (value.is_null() && !required) return {};
  if (!value.is_object() || member_or_null(value, "type") != "ByteLevel")
    return unsupported(name, value);
  return expect_known_members(value, name,
                              {"type", "add_prefix_space", "trim_offsets", "use_regex"});
}

Status check_pipeline(const Json& file) {
  SIGILLO_TRY_VOID(
      expect_known_members(file, "file",
                           {"version", "truncation", "padding", "added_tokens", "normalizer",
                            "pre_tokenizer", "post_processor", "decoder", "model"}));
  SIGILLO_TRY_VOID(expect_off(file, "version", "file", "1.0"));
  SIGILLO_TRY_VOID(expect_off(file, "truncation", "file", nullptr));
  SIGILLO_TRY_VOID(expect_off(file, "padding", "file", nullptr));
  SIGILLO_TRY_VOID(expect_off(file, "normalizer", "file", nullptr));
  const Json& splitter = member_or_null(file, "pre_tokenizer");
  SIGILLO_TRY_VOID(check_byte_level(splitter, "pre_tokenizer", true));
  // The format's default is true, so that an absent add_prefix_space is a prefix space.
  if (member_or_null(splitter, "add_prefix_space") != false)
    return unsupported("pre_tokenizer.add_prefix_space",
                       member_or_null(splitter, "add_prefix_space"));
  SIGILLO_TRY_VOID(expect_off(splitter, "use_regex", "pre_tokenizer", true));
  // As post-processor, ByteLevel moves offsets and no ids; as decoder it is what decode() does.
  SIGILLO_TRY_VOID(
      check_byte_level(member_or_null(file, "post_processor"), "post_processor", false));
  return check_byte_level(member_or_null(file, "decoder"), "decoder", false);
}

Status check_model_options(const Json& model) {
  if (!model.is_object()) return invalid("model is not an object");
  const Json& type = member_or_null(model, "type");
  if (!type.is_null() && type != "BPE") return unsupported("model.type", type);
  SIGILLO_TRY_VOID(expect_known_members(
      model, "model",
      {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
       "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"}));
  SIGILLO_TRY_VOID(expect_off(model, "dropout", "model", 0));
  SIGILLO_TRY_VOID(expect_off(model, "unk_token", "model", nullptr));
  SIGILLO_TRY_VOID(expect_off(model, "continuing_subword_prefix", "model", ""));
  SIGILLO_TRY_VOID(expect_off(model, "end_of_word_suffix", "model", ""));
  for (const char* option : {"fuse_unk", "byte_fallback", "ignore_merges"})
    SIGILLO_TRY_VOID(expect_off(model, option, "model", false));
  return {};
}

// Merge: what a pair of neighbours becomes, and how early (a lower rank goes first).
struct Merge {
  std::uint32_t rank = 0;
  TokenId token = 0;
};

std::uint64_t pair_key(TokenId left, TokenId right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

// The default hash of an integer is the integer; pair keys need their halves mixed (multiplier:
// 2^64 / golden ratio).
struct PairHash {
  std::size_t operator()(std::uint64_t key) const {
    key *= 0x9E3779B97F4A7C15U;
    return static_cast<std::size_t>(key ^ key >> 32);
  }
};
using MergeTable = std::unordered_map<std::uint64_t, Merge, PairHash>;
using Vocabulary = std::unordered_map<std::string, TokenId>;

Result<std::int64_t> token_id(const Json& value, std::string_view token) {
  if (!value.is_number_integer() || value < 0 || value >= kMaxTokenizerVocabulary)
    return invalid(fmt::format("the id of token \"{}\" is not an integer in [0, {})", token,
                               kMaxTokenizerVocabulary));
  return value.get<std::int64_t>();
}

// Content of the added tokens by id. They are decoded as they stand; encode never makes them.
Result<std::unordered_map<std::int64_t, std::string>> read_added_tokens(const Json& list) {
  std::unordered_map<std::int64_t, std::string> added;
  if (list.is_null()) return added;
  if (!list.is_array()) return invalid("added_tokens is not an array");
  for (const Json& entry : list) {
    SIGILLO_TRY_VOID(expect_known_members(
        entry, "added token",
        {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
    SIGILLO_TRY(std::string content, core::json_string(entry, "content", "added token"));
    SIGILLO_TRY(const std::int64_t id, token_id(member_or_null(entry, "id"), content));
    if (content.empty() || content.size() > kMaxTokenBytes)
      return invalid(fmt::format("added token {} has {} bytes; 1 to {} are allowed", id,
                                 content.size(), kMaxTokenBytes));
    if (!added.emplace(id, std::move(content)).second)
      return invalid(fmt::format("added token id {} appears twice", id));
  }
  return added;
}

Result<Vocabulary> read_vocabulary(const Json& list) {
  if (!list.is_object()) return invalid("model.vocab is not an object");
  if (list.size() > kMaxTokenizerVocabulary)
    return Error{ErrorCode::input_too_large,
                 fmt::format("tokenizer.json: {} tokens are more than the limit of {}", list.size(),
                             kMaxTokenizerVocabulary),
                 "use a smaller vocabulary"};
  Vocabulary vocabulary;
  vocabulary.reserve(list.size());
  for (const auto& [token, value] : list.items()) {
    SIGILLO_TRY(const std::int64_t id, token_id(value, token));
    vocabulary.emplace(token, static_cast<TokenId>(id));
  }
  return vocabulary;
}

// The bytes of every id: vocabulary first, then added tokens that extend it. Dense and unique, or
// an error.
Result<std::vector<std::string>> bytes_by_id(
    const Vocabulary& vocabulary, const std::unordered_map<std::int64_t, std::string>& added) {
  std::vector<std::optional<std::string>> bytes(vocabulary.size());
  const auto claim = [&](std::int64_t id, std::string value) -> Status {
    const auto index = static_cast<std::size_t>(id);
    if (index >= bytes.size())
      return invalid(fmt::format("id {} leaves a gap: ids must be 0 to V-1", id));
    if (bytes[index].has_value()) return invalid(fmt::format("id {} is given to two tokens", id));
    bytes[index] = std::move(value);
    return {};
  };
  for (const auto& [id, content] : added) {
    const auto found = vocabulary.find(content);
    if (found == vocabulary.end()) bytes.emplace_back();
    else if (found->second != id)
      return invalid(fmt::format("added token {} has another id in the vocabulary", id));
  }
  for (const auto& [id, content] : added) SIGILLO_TRY_VOID(claim(id, content));
  for (const auto& [token, id] : vocabulary) {
    if (const auto found = added.find(id); found != added.end() && found->second == token) continue;
    auto value = bytes_of_symbols(token);
    if (!value.has_value() || value->empty() || value->size() > kMaxTokenBytes)
      return invalid(
          fmt::format("token {} is not made of 1 to {} byte symbols", id, kMaxTokenBytes));
    SIGILLO_TRY_VOID(claim(id, std::move(*value)));
  }
  std::vector<std::string> dense;
  dense.reserve(bytes.size());
  for (auto& value : bytes) {  // as many values as slots, none claimed twice: each slot is filled
    SIGILLO_CHECK(value.has_value());
    dense.push_back(std::move(*value));
  }
  return dense;
}

// The two halves of a merge, in either of the format's two forms.
Result<std::pair<std::string, std::string>> merge_halves(const Json& entry, std::size_t rank) {
  if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string())
    return std::pair(entry[0].get<std::string>(), entry[1].get<std::string>());
  if (entry.is_string()) {
    const auto& text = entry.get_ref<const std::string&>();
    // A space is never a byte symbol, so the one space of this form is the separator.
    if (const auto space = text.find(' ');
        space != std::string::npos && text.find(' ', space + 1) == std::string::npos)
      return std::pair(text.substr(0, space), text.substr(space + 1));
  }
  return invalid(fmt::format("merge {} is neither \"left right\" nor [\"left\", \"right\"]", rank));
}

Result<MergeTable> read_merges(const Json& list, const Vocabulary& vocabulary) {
  if (!list.is_array()) return invalid("model.merges is not an array");
  if (list.size() > kMaxTokenizerVocabulary)
    return Error{ErrorCode::input_too_large,
                 fmt::format("tokenizer.json: {} merges are more than the limit of {}", list.size(),
                             kMaxTokenizerVocabulary),
                 "use a smaller vocabulary"};
  MergeTable merges;
  merges.reserve(list.size());
  for (std::size_t rank = 0; rank < list.size(); ++rank) {
    SIGILLO_TRY(const auto halves, merge_halves(list[rank], rank));
    const auto left = vocabulary.find(halves.first);
    const auto right = vocabulary.find(halves.second);
    const auto whole = vocabulary.find(halves.first + halves.second);
    if (left == vocabulary.end() || right == vocabulary.end() || whole == vocabulary.end())
      return invalid(fmt::format("merge {} needs tokens that the vocabulary lacks", rank));
    const Merge merge{static_cast<std::uint32_t>(rank), whole->second};
    if (!merges.emplace(pair_key(left->second, right->second), merge).second)
      return invalid(fmt::format("merge {} repeats an earlier pair", rank));
  }
  return merges;
}

Result<std::array<TokenId, 256>> read_byte_tokens(const Vocabulary& vocabulary) {
  std::array<TokenId, 256> tokens{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const auto found = vocabulary.find(byte_symbol(static_cast<std::uint8_t>(byte)));
    if (found == vocabulary.end())
      return invalid(fmt::format("byte 0x{:02x} has no token in the vocabulary", byte));
    tokens[byte] = found->second;
  }
  return tokens;
}

// ---- Merging
// --------------------------------------------------------------------------------------------------------

// A piece as a doubly linked list of tokens, and a queue of the merges that its neighbours allow.
// An entry of the queue is stale when one of its tokens has changed since; it is recognized by the
// tokens, and dropped.
class PieceMerger {
 public:
  PieceMerger(const MergeTable& merges, const std::array<TokenId, 256>& byte_tokens)
      : merges_(merges), byte_tokens_(byte_tokens) {}

  void encode(std::string_view piece, std::vector<TokenId>& out) {
    load(piece);
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      if (is_current(best)) apply(best);
    }
    for (std::int32_t i = 0; i != kEnd; i = links_[index(i)].next)
      out.push_back(links_[index(i)].token);
  }

 private:
  static constexpr std::int32_t kEnd = -1;
  static constexpr TokenId kGone = -1;
  struct Link {
    TokenId token;
    std::int32_t previous, next;
  };
  struct Candidate {
    std::uint32_t rank;
    std::int32_t position;  // of the left token
    TokenId left, right, merged;
    // Lowest rank first, leftmost among equals.
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };

  static std::size_t index(std::int32_t position) { return static_cast<std::size_t>(position); }

  void load(std::string_view piece) {
    links_.clear();
    links_.reserve(piece.size());
    const auto size = static_cast<std::int32_t>(piece.size());
    for (std::int32_t i = 0; i < size; ++i) {
      const auto byte = static_cast<unsigned char>(piece[index(i)]);
      links_.push_back({byte_tokens_[byte], i - 1, i + 1 == size ? kEnd : i + 1});
    }
    for (std::int32_t i = 0; i + 1 < size; ++i) consider(i);
  }

  void consider(std::int32_t position) {
    const Link& left = links_[index(position)];
    const Link& right = links_[index(left.next)];
    const auto found = merges_.find(pair_key(left.token, right.token));
    if (found != merges_.end())
      queue_.push({found->second.rank, position, left.token, right.token, found->second.token});
  }

  [[nodiscard]] bool is_current(const Candidate& candidate) const {
    const Link& left = links_[index(candidate.position)];
    return left.token == candidate.left && left.next != kEnd &&
           links_[index(left.next)].token == candidate.right;
  }

  void apply(const Candidate& candidate) {
    Link& left = links_[index(candidate.position)];
    Link& right = links_[index(left.next)];
    left.token = candidate.merged;
    left.next = right.next;
    right.token = kGone;
    if (left.next != kEnd) {
      links_[index(left.next)].previous = candidate.position;
      consider(candidate.position);
    }
    if (left.previous != kEnd) consider(left.previous);
  }

  const MergeTable& merges_;
  const std::array<TokenId, 256>& byte_tokens_;
  std::vector<Link> links_;
  std::priority_queue<Candidate> queue_;
};

Error text_too_large(std::size_t size) {
  return Error{
      ErrorCode::input_too_large,
      fmt::format("text of {} bytes is larger than the limit of {}", size, kMaxTokenizerTextBytes),
      "cut the text into shorter parts"};
}

}  // namespace

std::string byte_symbol(std::uint8_t byte) {
  const unsigned symbol = kByteMap.symbol[byte];
  if (symbol < 0x80) return std::string(1, static_cast<char>(symbol));
  return {static_cast<char>(0xC0U | symbol >> 6), static_cast<char>(0x80U | (symbol & 0x3FU))};
}

Result<std::vector<std::string_view>> gpt2_pieces(std::string_view text) {
  if (text.size() > kMaxTokenizerTextBytes) return text_too_large(text.size());
  const std::unique_ptr<pcre2_match_data, FreeMatch> match(pcre2_match_data_create(1, nullptr));
  SIGILLO_CHECK(match != nullptr);
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t good = well_formed_run(text);
    SIGILLO_TRY_VOID(split_well_formed(text.substr(0, good), match.get(), pieces));
    text.remove_prefix(good);
    if (const std::size_t bad = ill_formed_run(text)) {
      pieces.push_back(text.substr(0, bad));
      text.remove_prefix(bad);
    }
  }
  return pieces;
}

struct Tokenizer::Impl {
  std::vector<std::string> bytes;  // by token id
  std::array<TokenId, 256> byte_tokens{};
  MergeTable merges;
  core::Digest digest;
};

Tokenizer::Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::from_json(std::string_view text) {
  if (text.size() > kMaxTokenizerFileBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("tokenizer.json of {} bytes is larger than the limit of {}",
                             text.size(), kMaxTokenizerFileBytes),
                 "use a smaller vocabulary"};
  auto file = core::parse_json(text, {.max_bytes = kMaxTokenizerFileBytes, .max_depth = 16});
  if (!file.has_value()) return file.error().in("tokenizer.json");
  SIGILLO_TRY_VOID(check_pipeline(*file));
  const Json& model = member_or_null(*file, "model");
  SIGILLO_TRY_VOID(check_model_options(model));
  SIGILLO_TRY(const auto added, read_added_tokens(member_or_null(*file, "added_tokens")));
  SIGILLO_TRY(const auto vocabulary, read_vocabulary(member_or_null(model, "vocab")));
  auto impl = std::make_shared<Impl>();
  SIGILLO_TRY(impl->bytes, bytes_by_id(vocabulary, added));
  SIGILLO_TRY(impl->byte_tokens, read_byte_tokens(vocabulary));
  SIGILLO_TRY(impl->merges, read_merges(member_or_null(model, "merges"), vocabulary));
  impl->digest = core::sha256(text);
  return Tokenizer(std::move(impl));
}

Result<std::vector<TokenId>> Tokenizer::encode(std::string_view text) const {
  SIGILLO_TRY(const auto pieces, gpt2_pieces(text));
  std::vector<TokenId> tokens;
  PieceMerger merger(impl_->merges, impl_->byte_tokens);
  for (const std::string_view piece : pieces) merger.encode(piece, tokens);
  return tokens;
}

Result<std::string> Tokenizer::decode(std::span<const TokenId> tokens) const {
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= vocabulary_size())
      return Error{ErrorCode::invalid_input,
                   fmt::format("token {} at position {} is outside 0 to {}", tokens[i], i,
                               vocabulary_size() - 1),
                   "check that the tokens come from this tokenizer"};
    const std::string& bytes = impl_->bytes[static_cast<std::size_t>(tokens[i])];
    if (text.size() + bytes.size() > kMaxTokenizerTextBytes)
      return text_too_large(text.size() + bytes.size());
    text += bytes;
  }
  return text;
}

std::int32_t Tokenizer::vocabulary_size() const {
  return static_cast<std::int32_t>(impl_->bytes.size());
}

const core::Digest& Tokenizer::digest() const { return impl_->digest; }

}  // namespace sigillo::watermark
