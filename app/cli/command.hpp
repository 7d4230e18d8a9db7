// Declaring commands and their options. The parser (CLI11) is behind this header: its templates
// cost seconds in every source that includes them, so the commands do not.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sigillo::cli {

// An option of a command. Owned by the parser; copies name the same option.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  Option& show_default();              // the help prints the value that the variable has now
  Option& repeated();                  // one value an occurrence, and all of them count
  Option& single();                    // one value, though the variable is a list
  Option& split_at(char delimiter);    // several values in one, such as a,b
  Option& needs(const Option& other);  // an error without the other
  Option& one_of(std::vector<std::string> values);
  template <class T>  // int, double, std::uint64_t
  Option& between(T low, T high);

 private:
  CLI::Option* option_;
};

// A command or a group of commands. Owned by the parser; copies name the same command. A variable
// that an option writes to must live until the command has acted.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  // A group: it needs one of its commands.
  Command group(const std::string& name, const std::string& help);
  // A command that acts; `chosen` is called when it is on the command line.
  Command leaf(const std::string& name, const std::string& help, std::function<void()> chosen);
  // The group of that name, which must be there.
  [[nodiscard]] Command find_group(const std::string& name) const;

  // Instantiated in command.cpp for the types that options have: text, paths, numbers, lists.
  template <class T>
  Option option(const std::string& name, T& value, const std::string& help);
  Option flag(const std::string& name, bool& value, const std::string& help);
  // What the help says last.
  void footer(const std::string& text);

  [[nodiscard]] CLI::App& app() const { return *app_; }

 private:
  CLI::App* app_;
};

}  // namespace sigillo::cli
