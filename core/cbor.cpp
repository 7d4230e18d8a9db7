#include "core/cbor.hpp"

#include <cbor.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace sigillo::core {
namespace {

constexpr std::uint64_t kMaxInteger = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxHead = 9;  // the longest head of an item

using EncodeHead = std::size_t (*)(std::size_t value, unsigned char* out, std::size_t room);

void append_head(Bytes& out, EncodeHead encode, std::uint64_t value) {
  std::array<unsigned char, kMaxHead> head{};
  const std::size_t size = encode(value, head.data(), head.size());
  SIGILLO_CHECK(size > 0);
  out.insert(out.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
}

// The bytes of the one head that a value may have.
std::size_t shortest_head(std::uint64_t value) {
  std::array<unsigned char, kMaxHead> head{};
  return cbor_encode_uint(value, head.data(), head.size());
}

// Major types (RFC 8949 section 3.1).
enum Kind : int { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kNull, kOther };

// What libcbor calls back with: one item.
struct Seen {
  Kind kind = kOther;
  std::uint64_t number = 0;  // of a negative integer n: -1 - n
  ByteView content;
};

template <Kind kind, class Number>
void see_number(void* context, Number number) {
  *static_cast<Seen*>(context) = {kind, number, {}};
}
template <Kind kind>
void see_string(void* context, cbor_data data, std::size_t size) {
  *static_cast<Seen*>(context) = {kind, size, ByteView(data, size)};
}
void see_null(void* context) { static_cast<Seen*>(context)->kind = kNull; }

// Of what has no callback here (floats, simple values, indefinite lengths) a Seen says kOther.
cbor_callbacks make_callbacks() {
  cbor_callbacks callbacks = cbor_empty_callbacks;
  callbacks.uint8 = see_number<kUnsigned, std::uint8_t>;
  callbacks.uint16 = see_number<kUnsigned, std::uint16_t>;
  callbacks.uint32 = see_number<kUnsigned, std::uint32_t>;
  callbacks.uint64 = see_number<kUnsigned, std::uint64_t>;
  callbacks.negint8 = see_number<kNegative, std::uint8_t>;
  callbacks.negint16 = see_number<kNegative, std::uint16_t>;
  callbacks.negint32 = see_number<kNegative, std::uint32_t>;
  callbacks.negint64 = see_number<kNegative, std::uint64_t>;
  callbacks.byte_string = see_string<kBytes>;
  callbacks.string = see_string<kText>;
  callbacks.array_start = see_number<kArray, std::size_t>;
  callbacks.map_start = see_number<kMap, std::size_t>;
  callbacks.tag = see_number<kTag, std::uint64_t>;
  callbacks.null = see_null;
  return callbacks;
}

}  // namespace

CborWriter& CborWriter::integer(std::int64_t value) {
  if (value >= 0) append_head(out_, cbor_encode_uint, static_cast<std::uint64_t>(value));
  else append_head(out_, cbor_encode_negint, static_cast<std::uint64_t>(-1 - value));
  return *this;
}
CborWriter& CborWriter::bytes(ByteView value) {
  append_head(out_, cbor_encode_bytestring_start, value.size());
  out_.insert(out_.end(), value.begin(), value.end());
  return *this;
}
CborWriter& CborWriter::text(std::string_view value) {
  SIGILLO_CHECK(is_utf8(value));
  append_head(out_, cbor_encode_string_start, value.size());
  out_.insert(out_.end(), value.begin(), value.end());
  return *this;
}
CborWriter& CborWriter::array(std::size_t items) {
  append_head(out_, cbor_encode_array_start, items);
  return *this;
}
CborWriter& CborWriter::map(std::size_t pairs) {
  append_head(out_, cbor_encode_map_start, pairs);
  return *this;
}
CborWriter& CborWriter::tag(std::uint64_t number) {
  append_head(out_, cbor_encode_tag, number);
  return *this;
}
CborWriter& CborWriter::null() {
  out_.push_back(0xF6);
  return *this;
}

struct CborReader::Head {
  std::uint64_t number = 0;
  ByteView content;
};

Error CborReader::fault(std::string_view what) const {
  return Error{ErrorCode::invalid_input, fmt::format("CBOR at byte {}: {}", at_, what), ""};
}

Result<CborReader::Head> CborReader::next(int kind, std::string_view name) {
  static const cbor_callbacks callbacks = make_callbacks();
  const ByteView rest = input_.subspan(at_);
  if (rest.empty()) return fault(fmt::format("it ends where {} should be", name));
  Seen seen;
  const cbor_decoder_result result =
      cbor_stream_decode(rest.data(), rest.size(), &callbacks, &seen);
  if (result.status == CBOR_DECODER_NEDATA) return fault("an item is cut off");
  if (result.status != CBOR_DECODER_FINISHED) return fault("an item is malformed");
  if (seen.kind != kind) return fault(fmt::format("this is no {} (of definite length)", name));
  if (kind != kNull && result.read != shortest_head(seen.number) + seen.content.size())
    return fault("a number or length is not in its shortest form");
  at_ += result.read;
  return Head{seen.number, seen.content};
}

Result<std::uint64_t> CborReader::unsigned_integer() {
  SIGILLO_TRY(const Head head, next(kUnsigned, "unsigned integer"));
  if (head.number > kMaxInteger) return fault("an integer has more than 63 bits");
  return head.number;
}

Result<std::int64_t> CborReader::integer() {
  // The top three bits of an item are its major type.
  const bool negative = at_ < input_.size() && input_[at_] >> 5 == kNegative;
  SIGILLO_TRY(const Head head, next(negative ? kNegative : kUnsigned, "integer"));
  if (head.number > kMaxInteger) return fault("an integer has more than 63 bits");
  const auto number = static_cast<std::int64_t>(head.number);
  return negative ? -1 - number : number;
}

Result<ByteView> CborReader::bytes() {
  SIGILLO_TRY(const Head head, next(kBytes, "byte string"));
  return head.content;
}

Result<std::string_view> CborReader::text() {
  SIGILLO_TRY(const Head head, next(kText, "text"));
  if (!is_utf8(as_text(head.content))) return fault("a text is not UTF-8");
  return as_text(head.content);
}

Result<std::uint64_t> CborReader::array() {
  SIGILLO_TRY(const Head head, next(kArray, "array"));
  return head.number;
}

Result<std::uint64_t> CborReader::tag() {
  // libcbor 0.8 takes the tags 6 to 20 for unassigned and refuses them; up to 23 a tag is one byte.
  if (at_ < input_.size() && input_[at_] >> 5 == kTag && (input_[at_] & 0x1FU) < 24)
    return input_[at_++] & 0x1FU;
  SIGILLO_TRY(const Head head, next(kTag, "tag"));
  return head.number;
}

Status CborReader::null() {
  SIGILLO_TRY(const Head head, next(kNull, "null"));
  static_cast<void>(head);
  return {};
}

Status CborReader::map(const std::function<Status(std::int64_t key)>& value) {
  SIGILLO_TRY(const Head head, next(kMap, "map"));
  ByteView last;
  for (std::uint64_t pair = 0; pair < head.number; ++pair) {
    const std::size_t begin = at_;
    SIGILLO_TRY(const std::int64_t key, integer());
    const ByteView encoded = input_.subspan(begin, at_ - begin);
    if (!last.empty() &&
        !std::lexicographical_compare(last.begin(), last.end(), encoded.begin(), encoded.end()))
      return fault(fmt::format("the key {} is there twice, or not in order", key));
    last = encoded;
    SIGILLO_TRY_VOID(value(key));
  }
  return {};
}

Status CborReader::end() const {
  if (at_ == input_.size()) return {};
  return fault("something follows");
}

}  // namespace sigillo::core
