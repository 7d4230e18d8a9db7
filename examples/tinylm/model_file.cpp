#include "examples/tinylm/model_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "examples/tinylm/bpe.hpp"
#include "examples/tinylm/corpus.hpp"

namespace tinylm {
namespace core = sigillo::core;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;
namespace {

constexpr std::string_view kMagic = "tinylm\n";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kDigestBytes = 32;

class Writer {
 public:
  void u32(std::uint64_t value) { little_endian(value, 4); }
  void u64(std::uint64_t value) { little_endian(value, 8); }
  void raw(core::ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void token(TokenId token) { u32(static_cast<std::uint32_t>(token)); }
  core::Bytes finish() && {
    const core::Digest digest = core::sha256(out_);
    raw(digest.view());
    return std::move(out_);
  }

 private:
  void little_endian(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  core::Bytes out_;
};

void write_table(Writer& writer, const CountTable& table) {
  writer.u64(table.keys().size());
  for (std::size_t i = 0; i < table.keys().size(); ++i) {
    const CountTable::Row row = table.row(i);
    writer.u64(table.keys()[i]);
    writer.u32(row.successors.size());
    for (const Successor& successor : row.successors) {
      writer.token(successor.token);
      writer.u32(successor.count);
    }
  }
}

// Reader never reads past the end: the first short read makes it fail, and everything after gives
// zero.
class Reader {
 public:
  explicit Reader(core::ByteView bytes) : rest_(bytes) {}
  std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::uint64_t u64() { return little_endian(8); }
  core::ByteView raw(std::size_t size) {
    if (rest_.size() < size) return fail(), core::ByteView{};
    const core::ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  // True if `count` items of `size` bytes are left: asked before memory is reserved for them.
  [[nodiscard]] bool holds(std::uint64_t count, std::size_t size) const {
    return count <= rest_.size() / size;
  }

 private:
  void fail() {
    failed_ = true;
    rest_ = {};
  }
  std::uint64_t little_endian(std::size_t bytes) {
    std::uint64_t value = 0;
    const core::ByteView taken = raw(bytes);
    for (std::size_t i = 0; i < taken.size(); ++i) value |= std::uint64_t{taken[i]} << (8 * i);
    return value;
  }
  core::ByteView rest_;
  bool failed_ = false;
};

Error invalid(std::string message) {
  return {ErrorCode::invalid_input, "model.tinylm: " + std::move(message), "train the model again"};
}

Result<CountTable> read_table(Reader& reader, std::string_view name, std::uint64_t key_end,
                              std::int32_t vocabulary) {
  CountTable table;
  const std::uint64_t rows = reader.u64();
  if (!reader.holds(rows, 20))
    return invalid(fmt::format("{} are cut short", name));  // a row has at least 20 bytes
  std::vector<Successor> successors;
  std::uint64_t next_key = 0;
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::uint64_t key = reader.u64();
    const std::uint32_t size = reader.u32();
    if (reader.failed() || !reader.holds(size, 8))
      return invalid(fmt::format("{} are cut short", name));
    if (key < next_key || key >= key_end || size == 0)
      return invalid(fmt::format("{}: row {} is out of order", name, i));
    next_key = key + 1;
    successors.clear();
    for (std::uint32_t k = 0; k < size; ++k) {
      const std::uint32_t token = reader.u32();
      const std::uint32_t count = reader.u32();
      const bool ascends =
          successors.empty() || token > static_cast<std::uint32_t>(successors.back().token);
      if (token >= static_cast<std::uint32_t>(vocabulary) || count == 0 || !ascends)
        return invalid(fmt::format("{}: entry {} of row {} is wrong", name, k, i));
      successors.push_back({static_cast<TokenId>(token), count});
    }
    std::uint64_t total = 0;
    for (const Successor& successor : successors) total += successor.count;
    // A weight's class is the number of bits of this total.
    if (total > UINT32_MAX)
      return invalid(fmt::format("{}: the counts of row {} are too large", name, i));
    table.append(key, successors);
  }
  return table;
}

Status read_header(Reader& reader, Model& model) {
  const std::string_view magic = core::as_text(reader.raw(kMagic.size()));
  const core::ByteView version = reader.raw(1);
  if (reader.failed() || magic != kMagic) return invalid("this is not a tinylm model");
  if (version[0] != kVersion)
    return Error{ErrorCode::unsupported,
                 fmt::format("model.tinylm: version {} is not supported", version[0]),
                 "use the tinylm that wrote it, or train again"};
  const std::uint32_t order = reader.u32();
  const std::uint32_t vocabulary = reader.u32();
  model.document_count = reader.u32();
  const core::ByteView tokenizer = reader.raw(kDigestBytes);
  if (reader.failed()) return invalid("the header is cut short");
  if (order < 1 || order > 3) return invalid(fmt::format("order {} is outside 1 to 3", order));
  if (vocabulary < 256 || vocabulary > static_cast<std::uint32_t>(kMaxVocabulary))
    return invalid(
        fmt::format("a vocabulary of {} is outside 256 to {}", vocabulary, kMaxVocabulary));
  if (model.document_count < 1 || model.document_count > kMaxDocuments)
    return invalid(
        fmt::format("{} documents are outside 1 to {}", model.document_count, kMaxDocuments));
  model.order = static_cast<std::int32_t>(order);
  model.vocabulary = static_cast<std::int32_t>(vocabulary);
  SIGILLO_TRY(model.tokenizer, core::Digest::from_bytes(tokenizer));
  return {};
}

Status read_weights(Reader& reader, Weights& weights) {
  weights.unigram = reader.u32();
  weights.document = reader.u32();
  for (auto& units : weights.bigram) units = reader.u32();
  for (auto& units : weights.trigram) units = reader.u32();
  if (reader.failed()) return invalid("the weights are cut short");
  const std::uint64_t sum = std::uint64_t{weights.unigram} + weights.document;
  if (sum > (std::uint64_t{1} << 32) - kMinUniformWeight)
    return invalid("the weights leave nothing for unseen tokens");
  return {};
}

Status read_unigrams(Reader& reader, Model& model) {
  const auto size = static_cast<std::size_t>(model.vocabulary);
  if (!reader.holds(size, 4)) return invalid("the unigrams are cut short");
  model.unigrams.reserve(size);
  for (std::size_t w = 0; w < size; ++w) {
    model.unigrams.push_back(reader.u32());
    model.unigram_total += model.unigrams.back();
  }
  if (model.unigram_total == 0) return invalid("no token was ever seen");
  return {};
}

Status read_starts(Reader& reader, Model& model) {
  const std::uint64_t size = reader.u64();
  if (reader.failed() || size == 0 || !reader.holds(size, 12))
    return invalid("the starts are cut short");
  const auto last = static_cast<std::uint32_t>(model.vocabulary);  // the start mark
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint32_t document = reader.u32();
    const std::uint32_t older = reader.u32();
    const std::uint32_t newer = reader.u32();
    if (document >= model.document_count || older > last || newer > last)
      return invalid(fmt::format("start {} is wrong", i));
    model.starts.push_back({document, {static_cast<TokenId>(older), static_cast<TokenId>(newer)}});
  }
  return {};
}

// The predictor walks the two rows side by side and would miss a trigram that its bigram row lacks.
Status check_nesting(const Model& model) {
  const auto width = static_cast<std::uint64_t>(model.vocabulary) + 1;
  for (std::size_t i = 0; i < model.trigrams.keys().size(); ++i) {
    const auto inner = model.trigrams.row(i).successors;
    const auto outer = model.bigrams.find(model.trigrams.keys()[i] % width).successors;
    const auto less = [](const Successor& a, const Successor& b) { return a.token < b.token; };
    if (!std::includes(outer.begin(), outer.end(), inner.begin(), inner.end(), less))
      return invalid(fmt::format("trigram row {} holds tokens that its bigram row lacks", i));
  }
  return {};
}

}  // namespace

core::Bytes model_bytes(const Model& model) {
  Writer writer;
  writer.raw(core::as_bytes(kMagic));
  writer.raw(std::array{kVersion});
  writer.token(model.order);
  writer.token(model.vocabulary);
  writer.u32(model.document_count);
  writer.raw(model.tokenizer.view());
  writer.u32(model.weights.unigram);
  writer.u32(model.weights.document);
  for (const auto units : model.weights.bigram) writer.u32(units);
  for (const auto units : model.weights.trigram) writer.u32(units);
  for (const auto count : model.unigrams) writer.u32(count);
  write_table(writer, model.bigrams);
  write_table(writer, model.trigrams);
  write_table(writer, model.documents);
  writer.u64(model.starts.size());
  for (const Start& start : model.starts) {
    writer.u32(start.document);
    writer.token(start.context.older);
    writer.token(start.context.newer);
  }
  return std::move(writer).finish();
}

Result<Model> model_from_bytes(core::ByteView bytes) {
  if (bytes.size() > kMaxModelBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("model.tinylm is larger than the limit of {} bytes", kMaxModelBytes),
                 "train a smaller model"};
  Model model;
  Reader reader(bytes.first(bytes.size() - std::min(bytes.size(), kDigestBytes)));
  SIGILLO_TRY_VOID(read_header(reader, model));
  if (core::sha256(bytes.first(bytes.size() - kDigestBytes)).hex() !=
      core::hex_encode(bytes.last(kDigestBytes)))
    return invalid("the digest at the end does not fit: the file is damaged or cut short");
  SIGILLO_TRY_VOID(read_weights(reader, model.weights));
  SIGILLO_TRY_VOID(read_unigrams(reader, model));
  const auto width = static_cast<std::uint64_t>(model.vocabulary) + 1;
  SIGILLO_TRY(model.bigrams,
              read_table(reader, "bigrams", model.order >= 2 ? width : 0, model.vocabulary));
  SIGILLO_TRY(model.trigrams, read_table(reader, "trigrams", model.order >= 3 ? width * width : 0,
                                         model.vocabulary));
  SIGILLO_TRY(model.documents,
              read_table(reader, "documents", model.document_count, model.vocabulary));
  SIGILLO_TRY_VOID(read_starts(reader, model));
  if (reader.left() != 0)
    return invalid(fmt::format("{} bytes follow the last start", reader.left()));
  SIGILLO_TRY_VOID(check_nesting(model));
  return model;
}

}  // namespace tinylm
