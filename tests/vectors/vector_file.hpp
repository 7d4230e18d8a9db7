// Published test vectors as data files.
//
//   # a comment
//   name: value          one attribute a line; the value may be empty
//   name: value
//                        a blank line ends a block
//
// each_vector hands over every block of a file. The callback must read every attribute of its
// block: an attribute that nobody read, a name that is not there, a name that comes twice, a line
// without a colon and a file without blocks all throw. A typo in a file or in a test is therefore a
// failure, never a skip.
#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <istream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sigillo/core/bytes.hpp"

namespace sigillo::test {

class Vector {
 public:
  Vector(std::string place, std::map<std::string, std::string, std::less<>> attributes)
      : place_(std::move(place)), attributes_(std::move(attributes)) {}

  // The attribute's characters.
  [[nodiscard]] std::string text(std::string_view name) {
    const auto found = attributes_.find(name);
    if (found == attributes_.end()) fail("has no attribute \"" + std::string(name) + "\"");
    read_[std::string(name)] = true;
    return found->second;
  }
  // The bytes that the attribute's hexadecimal digits stand for.
  [[nodiscard]] core::Bytes hex(std::string_view name) {
    const std::string digits = text(name);
    auto bytes = core::hex_decode(digits);
    if (!bytes.has_value()) fail("attribute \"" + std::string(name) + "\" is not lower-case hex");
    return *std::move(bytes);
  }
  [[nodiscard]] std::int64_t integer(std::string_view name) {
    const std::string digits = text(name);
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 10);
    if (error != std::errc{} || end != digits.data() + digits.size())
      fail("attribute \"" + std::string(name) + "\" is not an integer");
    return value;
  }
  // For attributes that only some blocks have.
  [[nodiscard]] bool has(std::string_view name) const { return attributes_.contains(name); }
  // "file.txt, block at line 7": for messages.
  [[nodiscard]] const std::string& place() const { return place_; }

  void check_consumed() const {
    for (const auto& [name, value] : attributes_)
      if (!read_.contains(name)) fail("attribute \"" + name + "\" was not read");
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw std::runtime_error(place_ + ": " + why);
  }
  std::string place_;
  std::map<std::string, std::string, std::less<>> attributes_;
  std::map<std::string, bool, std::less<>> read_;
};

// Calls `use` for each block and returns how many there were (at least one).
inline int each_vector(std::istream& in, const std::string& file,
                       const std::function<void(Vector&)>& use) {
  std::map<std::string, std::string, std::less<>> attributes;
  int line_number = 0;
  int first_line = 0;
  int blocks = 0;
  const auto end_block = [&] {
    if (attributes.empty()) return;
    Vector vector(file + ", block at line " + std::to_string(first_line), std::move(attributes));
    attributes.clear();
    use(vector);
    vector.check_consumed();
    ++blocks;
  };
  const auto fail = [&](const std::string& why) {
    throw std::runtime_error(file + ", line " + std::to_string(line_number) + ": " + why);
  };
  for (std::string line; std::getline(in, line);) {
    ++line_number;
    if (line.empty()) {
      end_block();
      continue;
    }
    if (line[0] == '#') continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || colon == 0) fail("no \"name: value\"");
    std::string value = line.substr(colon + 1);
    if (!value.empty() && value[0] != ' ') fail("no space after the colon");
    if (!value.empty()) value.erase(0, 1);
    if (attributes.empty()) first_line = line_number;
    if (!attributes.emplace(line.substr(0, colon), std::move(value)).second)
      fail("the attribute comes twice");
  }
  end_block();
  if (blocks == 0) throw std::runtime_error(file + ": no vectors");
  return blocks;
}

inline int each_vector(const std::filesystem::path& path, const std::function<void(Vector&)>& use) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error(path.string() + ": cannot be opened");
  return each_vector(in, path.filename().string(), use);
}

}  // namespace sigillo::test
