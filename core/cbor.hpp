// CBOR (RFC 8949) in one form of bytes: deterministically encoded (section 4.2.1), without floats,
// simple values and indefinite lengths. Through libcbor, which this header does not name. Private:
// formats have readers of their own.
#pragma once

#include <functional>

#include "sigillo/core/bytes.hpp"

namespace sigillo::core {

// CborWriter appends items, one call a head. The caller writes as many items as a container says,
// and the keys of a map in order. A value.
class CborWriter {
 public:
  CborWriter& integer(std::int64_t value);
  CborWriter& bytes(ByteView value);
  CborWriter& text(std::string_view value);  // UTF-8
  CborWriter& array(std::size_t items);
  CborWriter& map(std::size_t pairs);
  CborWriter& tag(std::uint64_t number);
  CborWriter& null();
  [[nodiscard]] const Bytes& written() const { return out_; }

 private:
  Bytes out_;
};

// CborReader takes the next item, which must be of the kind that is asked for; the items of a
// container follow its head. Nothing is allocated, and no length is believed that the input does
// not have. Every error is invalid_input with the offset. The input must outlive reader and views.
// Not thread-safe.
class CborReader {
 public:
  explicit CborReader(ByteView input) : input_(input) {}
  [[nodiscard]] Result<std::int64_t> integer();            // past 63 bits: refused
  [[nodiscard]] Result<std::uint64_t> unsigned_integer();  // at most 2^63 - 1
  [[nodiscard]] Result<ByteView> bytes();
  [[nodiscard]] Result<std::string_view> text();  // well-formed UTF-8
  [[nodiscard]] Result<std::uint64_t> array();    // the number of items
  [[nodiscard]] Result<std::uint64_t> tag();
  [[nodiscard]] Status null();
  // Reads a map whose keys are integers. value(key) must read that key's value and no more. Keys
  // that are not in the order of their bytes are refused, and so are two that are the same.
  [[nodiscard]] Status map(const std::function<Status(std::int64_t key)>& value);
  [[nodiscard]] Status end() const;  // nothing follows
  // An error at the place that was reached.
  [[nodiscard]] Error fault(std::string_view what) const;

 private:
  struct Head;
  [[nodiscard]] Result<Head> next(int kind, std::string_view name);
  ByteView input_;
  std::size_t at_ = 0;
};

}  // namespace sigillo::core
