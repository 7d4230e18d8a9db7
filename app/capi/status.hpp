// The border of the C interface: errors become codes and the thread's last message, exceptions stop
// here.
#pragma once

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

#include "sigillo/core/result.hpp"
#include "sigillo/sigillo.h"

namespace sigillo::capi {

// The number of a code: one to one, for ever. A code without a number does not compile (-Wswitch).
[[nodiscard]] constexpr sigillo_status number_of(core::ErrorCode code) {
  switch (code) {
    case core::ErrorCode::invalid_argument:
      return SIGILLO_INVALID_ARGUMENT;
    case core::ErrorCode::invalid_input:
      return SIGILLO_INVALID_INPUT;
    case core::ErrorCode::input_too_large:
      return SIGILLO_INPUT_TOO_LARGE;
    case core::ErrorCode::not_found:
      return SIGILLO_NOT_FOUND;
    case core::ErrorCode::already_exists:
      return SIGILLO_ALREADY_EXISTS;
    case core::ErrorCode::unsupported:
      return SIGILLO_UNSUPPORTED;
    case core::ErrorCode::workspace_missing:
      return SIGILLO_WORKSPACE_MISSING;
    case core::ErrorCode::workspace_newer:
      return SIGILLO_WORKSPACE_NEWER;
    case core::ErrorCode::key_missing:
      return SIGILLO_KEY_MISSING;
    case core::ErrorCode::key_insecure:
      return SIGILLO_KEY_INSECURE;
    case core::ErrorCode::not_trusted:
      return SIGILLO_NOT_TRUSTED;
    case core::ErrorCode::signature_invalid:
      return SIGILLO_SIGNATURE_INVALID;
    case core::ErrorCode::proof_invalid:
      return SIGILLO_PROOF_INVALID;
    case core::ErrorCode::ledger_corrupt:
      return SIGILLO_LEDGER_CORRUPT;
    case core::ErrorCode::evidence_corrupt:
      return SIGILLO_EVIDENCE_CORRUPT;
    case core::ErrorCode::rule_error:
      return SIGILLO_RULE_ERROR;
    case core::ErrorCode::io_error:
      return SIGILLO_IO_ERROR;
    case core::ErrorCode::permission_denied:
      return SIGILLO_PERMISSION_DENIED;
    case core::ErrorCode::disk_full:
      return SIGILLO_DISK_FULL;
    case core::ErrorCode::locked:
      return SIGILLO_LOCKED;
    case core::ErrorCode::read_only:
      return SIGILLO_READ_ONLY;
    case core::ErrorCode::crypto_failure:
      return SIGILLO_CRYPTO_FAILURE;
    case core::ErrorCode::device_unavailable:
      return SIGILLO_DEVICE_UNAVAILABLE;
  }
  return SIGILLO_INTERNAL_ERROR;
}

// Keeps what happened for sigillo_last_error_*() of this thread; allocates nothing.
sigillo_status fail(sigillo_status status, std::string_view message, std::string_view remedy);
inline sigillo_status fail(const core::Error& error) {
  return fail(number_of(error.code), error.message, error.remedy);
}
[[nodiscard]] inline core::Error null_argument(std::string_view function, std::string_view name) {
  return {core::ErrorCode::invalid_argument,
          std::string(function) + ": " + std::string(name) + " is NULL", ""};
}

// read_struct: a struct of sigillo.h as this library knows it (rule 8). A caller that is newer than
// the library may have set members that the library has not: they must be zero.
template <class Struct>
[[nodiscard]] core::Result<Struct> read_struct(const Struct* given, std::string_view function,
                                               std::string_view name) {
  const std::size_t size = given->struct_size;
  if (size < sizeof(Struct) || size > 16 * sizeof(Struct)) {
    return core::Error{core::ErrorCode::invalid_argument,
                       std::string(function) + ": " + std::string(name) +
                           "->struct_size is no size of this struct",
                       "set it to sizeof"};
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  if (std::any_of(bytes + sizeof(Struct), bytes + size, [](unsigned char b) { return b != 0; })) {
    return core::Error{core::ErrorCode::unsupported,
                       std::string(function) + ": " + std::string(name) +
                           " has a member that this library does not know",
                       "use the library that the header belongs to"};
  }
  Struct known;
  std::memcpy(&known, bytes, sizeof known);
  return known;
}

// check_result: a struct that the library may write all of its own members to. `type` is its name.
template <class Struct>
[[nodiscard]] core::Status check_result(const Struct* result, std::string_view function,
                                        std::string_view name, std::string_view type) {
  if (result == nullptr) return null_argument(function, name);
  if (result->struct_size < sizeof(Struct)) {
    return core::Error{core::ErrorCode::invalid_argument,
                       std::string(function) + ": " + std::string(name) +
                           "->struct_size is smaller than in any version",
                       "set it to sizeof(" + std::string(type) + ")"};
  }
  return {};
}

// guarded(body): the status of a body that returns a core::Status. No exception passes.
template <class Body>
sigillo_status guarded(Body&& body) noexcept {
  try {
    const core::Status status = body();
    return status.has_value() ? static_cast<sigillo_status>(SIGILLO_OK) : fail(status.error());
  } catch (const std::bad_alloc&) {
    return fail(SIGILLO_OUT_OF_MEMORY, "there is not enough memory",
                "free some, or do less at once");
  } catch (...) {
    return fail(SIGILLO_INTERNAL_ERROR, "the library met a case that it does not know",
                "please report it");
  }
}

// fill(): rule 4 of sigillo.h, for bytes of text (a terminating zero if there is room) or for
// items.
sigillo_status fill_text(std::string_view function, std::string_view text, char* buffer,
                         std::size_t capacity, std::size_t* size);
sigillo_status too_small(std::string_view function, std::size_t size, std::size_t capacity);

}  // namespace sigillo::capi
