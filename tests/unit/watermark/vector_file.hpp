// Reads tests/vectors/text/*.txt: one record a line, "kind name=value ...", "#" starts a comment. A
// test takes every attribute by name; what it did not take, or takes and is not there, fails the
// test, so that a typing error cannot become a skip.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace sigillo::test {

class VectorRecord {
 public:
  VectorRecord(std::string place, const std::string& line) : place_(std::move(place)) {
    std::istringstream words(line);
    words >> kind_;
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos || equals == 0) fail("not name=value: " + word);
      if (!attributes_.emplace(word.substr(0, equals), word.substr(equals + 1)).second)
        fail("given twice: " + word);
    }
  }
  [[nodiscard]] const std::string& kind() const { return kind_; }
  [[nodiscard]] const std::string& place() const { return place_; }

  std::string text(const std::string& name) {
    const auto found = attributes_.find(name);
    if (found == attributes_.end()) fail("has no attribute " + name);
    std::string value = found->second;
    attributes_.erase(found);
    return value;
  }
  std::int64_t integer(const std::string& name) { return parse(text(name), 10); }
  std::uint64_t word64(const std::string& name) {
    return whole(text(name),
                 [](const std::string& s, std::size_t* end) { return std::stoull(s, end, 10); });
  }
  double number(const std::string& name) {
    return whole(text(name),
                 [](const std::string& s, std::size_t* end) { return std::stod(s, end); });
  }
  std::vector<std::int64_t> integers(const std::string& name, int base = 10) {
    std::vector<std::int64_t> out;
    std::istringstream parts(text(name));
    for (std::string part; std::getline(parts, part, ',');) out.push_back(parse(part, base));
    return out;
  }
  // Every attribute must have been taken.
  void finish() const {
    if (!attributes_.empty()) fail("attribute was not consumed: " + attributes_.begin()->first);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(place_ + ": " + kind_ + ": " + what);
  }
  template <class Parse>
  std::invoke_result_t<Parse, const std::string&, std::size_t*> whole(const std::string& value,
                                                                      Parse parse_one) const {
    std::size_t end = 0;
    const auto number = parse_one(value, &end);
    if (value.empty() || end != value.size()) fail("not a number: " + value);
    return number;
  }
  [[nodiscard]] std::int64_t parse(const std::string& value, int base) const {
    return whole(
        value, [base](const std::string& s, std::size_t* end) { return std::stoll(s, end, base); });
  }
  std::string place_, kind_;
  std::map<std::string, std::string> attributes_;
};

inline std::vector<VectorRecord> read_vectors(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::vector<VectorRecord> records;
  int number = 0;
  const bool page = path.ends_with(".md");  // of a document, the blocks fenced as "vectors"
  bool inside = !page;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (page && line.starts_with("```")) {
      inside = line == "```vectors";
      continue;
    }
    if (!inside) continue;
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    records.emplace_back(path + ":" + std::to_string(number), line);
  }
  return records;
}

// Calls the test of each record's kind; an unknown kind, a kind without a record, or an attribute
// left over is a failure.
using VectorTests = std::map<std::string, void (*)(VectorRecord&)>;
inline void run_vectors(const std::string& path, const VectorTests& tests) {
  std::map<std::string, int> counts;
  for (VectorRecord& record : read_vectors(path)) {
    const auto test = tests.find(record.kind());
    if (test == tests.end())
      throw std::runtime_error(record.place() + ": unknown kind " + record.kind());
    test->second(record);
    record.finish();
    ++counts[record.kind()];
  }
  for (const auto& [kind, test] : tests) {
    if (counts[kind] == 0) throw std::runtime_error(path + ": no record of kind " + kind);
  }
}

}  // namespace sigillo::test
