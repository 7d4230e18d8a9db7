#include "sigillo/core/result.hpp"

#include <csignal>
#include <memory>
#include <set>

#include "support.hpp"

using namespace sigillo::core;
using sigillo::test::in_child;

namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error{ErrorCode::invalid_argument, "odd", "give an even number"};
  return value / 2;
}
Result<int> quarter(int value) {
  SIGILLO_TRY(const int first, half(value));
  SIGILLO_TRY(const int second, half(first));
  return second;
}
Status even(int value) {
  SIGILLO_TRY_VOID(half(value).has_value() ? Status{} : Status{half(value).error()});
  return {};
}

}  // namespace

TEST_CASE("a Result holds a value or an error") {
  REQUIRE(half(8).has_value());
  REQUIRE(half(8).value() == 4);
  REQUIRE(*half(8) == 4);
  REQUIRE(static_cast<bool>(half(8)));
  REQUIRE_FALSE(static_cast<bool>(half(7)));
  REQUIRE(half(7).error().message == "odd");
  REQUIRE(half(7).error().remedy == "give an even number");
  REQUIRE(half(7).value_or(-1) == -1);
  REQUIRE(half(6).value_or(-1) == 3);
}

TEST_CASE("SIGILLO_TRY hands on the first error, and the value otherwise") {
  REQUIRE(quarter(12).value() == 3);
  REQUIRE_CODE(quarter(7), invalid_argument);
  REQUIRE_CODE(quarter(6), invalid_argument);
  REQUIRE_OK(even(4));
  REQUIRE_CODE(even(5), invalid_argument);
}

TEST_CASE("a Result moves what cannot be copied") {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  REQUIRE(result->get() != nullptr);
  const std::unique_ptr<int> owned = std::move(result).value();
  REQUIRE(*owned == 7);
}

TEST_CASE("the wrong side of a Result ends the process") {
  REQUIRE(in_child([] { return half(7).value(); }).signal == SIGABRT);
  REQUIRE(in_child([] { return static_cast<int>(half(8).error().message.size()); }).signal ==
          SIGABRT);
  REQUIRE(in_child([] { return static_cast<int>(Status{}.error().message.size()); }).signal ==
          SIGABRT);
  REQUIRE(in_child([] { return half(8).value(); }).exit == 4);  // and the right one does not
}

TEST_CASE("SIGILLO_CHECK is on in every build") {
  REQUIRE(in_child([] {
            SIGILLO_CHECK(1 + 1 == 3);
            return 0;
          }).signal == SIGABRT);
  REQUIRE(in_child([] {
            SIGILLO_CHECK(1 + 1 == 2);
            return 0;
          }).exit == 0);
}

TEST_CASE("in() puts the place before the message and keeps the rest") {
  const Error error = Error{ErrorCode::locked, "busy", "wait"}.in("ledger");
  REQUIRE(error.code == ErrorCode::locked);
  REQUIRE(error.message == "ledger: busy");
  REQUIRE(error.remedy == "wait");
}

TEST_CASE("every code has a text of its own and an exit code") {
  std::set<std::string_view> texts;
  int count = 0;
#define SIGILLO_X(name, text, exit)                         \
  REQUIRE(to_string(ErrorCode::name) == text);              \
  REQUIRE(exit_code(ErrorCode::name) == ExitCode::exit);    \
  REQUIRE(exit_code(ErrorCode::name) != ExitCode::done);    \
  REQUIRE(texts.insert(to_string(ErrorCode::name)).second); \
  ++count;
  SIGILLO_ERROR_CODES(SIGILLO_X)
#undef SIGILLO_X
  REQUIRE(count >= 23);  // codes are never removed
  // The numbers are a contract with scripts.
  REQUIRE(static_cast<int>(ExitCode::done) == 0);
  REQUIRE(static_cast<int>(ExitCode::not_verified) == 1);
  REQUIRE(static_cast<int>(ExitCode::undecided) == 2);
  REQUIRE(static_cast<int>(ExitCode::usage) == 3);
  REQUIRE(static_cast<int>(ExitCode::environment) == 4);
}
