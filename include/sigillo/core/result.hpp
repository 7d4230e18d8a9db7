// Result<T>: how every function that depends on input or on the world reports failure.
//
// Conventions
//  1. No exception crosses a module. What input, disk or another process can cause is an Error in a
//  Result.
//  2. What only a bug of ours can cause is SIGILLO_CHECK, which is on in release builds and ends
//  the process.
//  3. An Error says what happened (message), and what to do next (remedy). Its code is stable:
//  scripts may
//     match it, and docs/errors.md explains each.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sigillo::core {

// What a process that ends with this error exits with (docs/errors.md, "Exit codes").
enum class ExitCode : int {
  done = 0,          // done; for the gate: every mandatory rule passed on this evidence
  not_verified = 1,  // a signature, proof, mark or mandatory rule did not hold
  undecided = 2,     // no verdict can be given: broken ledger, rule error, missing evidence
  usage = 3,         // wrong arguments, configuration or input
  environment = 4,   // disk, lock, permission, another process
};

// X(name, "text form", exit class): the single list of error codes. Names are never reused or
// renamed.
#define SIGILLO_ERROR_CODES(X)                            \
  X(invalid_argument, "invalid-argument", usage)          \
  X(invalid_input, "invalid-input", usage)                \
  X(input_too_large, "input-too-large", usage)            \
  X(not_found, "not-found", usage)                        \
  X(already_exists, "already-exists", usage)              \
  X(unsupported, "unsupported", usage)                    \
  X(workspace_missing, "workspace-missing", usage)        \
  X(workspace_newer, "workspace-newer", usage)            \
  X(key_missing, "key-missing", usage)                    \
  X(key_insecure, "key-insecure", usage)                  \
  X(not_trusted, "not-trusted", not_verified)             \
  X(signature_invalid, "signature-invalid", not_verified) \
  X(proof_invalid, "proof-invalid", not_verified)         \
  X(ledger_corrupt, "ledger-corrupt", undecided)          \
  X(evidence_corrupt, "evidence-corrupt", undecided)      \
  X(rule_error, "rule-error", undecided)                  \
  X(io_error, "io-error", environment)                    \
  X(permission_denied, "permission-denied", environment)  \
  X(disk_full, "disk-full", environment)                  \
  X(locked, "locked", environment)                        \
  X(read_only, "read-only", environment)                  \
  X(crypto_failure, "crypto-failure", environment)        \
  X(device_unavailable, "device-unavailable", environment)

enum class ErrorCode {
#define SIGILLO_X(name, text, exit) name,
  SIGILLO_ERROR_CODES(SIGILLO_X)
#undef SIGILLO_X
};

// Text form of a code, such as "ledger-corrupt". Static storage.
[[nodiscard]] std::string_view to_string(ErrorCode code);
[[nodiscard]] ExitCode exit_code(ErrorCode code);

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::invalid_argument;
  std::string message;  // what happened, and to what (path, entry, field)
  std::string remedy;   // what the reader can do next; may be empty

  // The same error with "prefix: " before its message: for callers that know more about the place.
  [[nodiscard]] Error in(std::string_view prefix) const;
};

namespace detail {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

// SIGILLO_CHECK(expression) ends the process if a promise that only our own code could break is
// broken.
#define SIGILLO_CHECK(expression) \
  ((expression) ? void(0) : ::sigillo::core::detail::check_failed(#expression, __FILE__, __LINE__))

struct Unit {};

// Result<T> holds a T or an Error, with the member names of std::expected. value() of an error is a
// bug (checked).
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] T& value() & {
    SIGILLO_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const& {
    SIGILLO_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    SIGILLO_CHECK(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const& {
    SIGILLO_CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] Error&& error() && {
    SIGILLO_CHECK(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }
  template <class U>
  [[nodiscard]] T value_or(U&& other) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(other));
  }

 private:
  std::variant<T, Error> state_;
};

// Status: success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] const Error& error() const& {
    SIGILLO_CHECK(error_.has_value());
    return *error_;
  }
  [[nodiscard]] Error&& error() && {
    SIGILLO_CHECK(error_.has_value());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};
using Status = Result<void>;

#define SIGILLO_CONCAT_(a, b) a##b
#define SIGILLO_CONCAT(a, b) SIGILLO_CONCAT_(a, b)

// SIGILLO_TRY(declaration, expression): declaration = the value of expression, or return its Error.
#define SIGILLO_TRY(declaration, expression) \
  SIGILLO_TRY_(SIGILLO_CONCAT(result_, __LINE__), declaration, expression)
#define SIGILLO_TRY_(temporary, declaration, expression)           \
  auto temporary = (expression);                                   \
  if (!temporary.has_value()) return std::move(temporary).error(); \
  declaration = std::move(temporary).value()

// SIGILLO_TRY_VOID(expression): return its Error, if it has one.
#define SIGILLO_TRY_VOID(expression)                             \
  do {                                                           \
    auto status_ = (expression);                                 \
    if (!status_.has_value()) return std::move(status_).error(); \
  } while (false)

}  // namespace sigillo::core
