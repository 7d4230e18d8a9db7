#include "app/capi/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace sigillo::capi {
namespace {

using Text = std::array<char, 1024>;
thread_local Text last_message{}, last_remedy{};

void keep(Text& place, std::string_view text) {
  std::size_t size = std::min(text.size(), place.size() - 1);
  // Not in the middle of a character: back to one that is whole.
  while (size < text.size() && size > 0 &&
         (static_cast<unsigned char>(text[size]) & 0xC0u) == 0x80u)
    --size;
  std::copy_n(text.data(), size, place.data());
  place[size] = '\0';
}

}  // namespace

sigillo_status fail(sigillo_status status, std::string_view message, std::string_view remedy) {
  keep(last_message, message);
  keep(last_remedy, remedy);
  return status;
}

sigillo_status too_small(std::string_view function, std::size_t size, std::size_t capacity) {
  Text message{};
  fmt::format_to_n(message.data(), message.size() - 1, "{}: {} do not fit into a buffer of {}",
                   function, size, capacity);
  return fail(SIGILLO_BUFFER_TOO_SMALL, message.data(), "give a larger buffer");
}

sigillo_status fill_text(std::string_view function, std::string_view text, char* buffer,
                         std::size_t capacity, std::size_t* size) {
  *size = text.size();
  if (text.size() > capacity) return too_small(function, text.size(), capacity);
  if (buffer != nullptr) {
    std::copy(text.begin(), text.end(), buffer);
    if (capacity > text.size()) buffer[text.size()] = '\0';
  }
  return SIGILLO_OK;
}

}  // namespace sigillo::capi

using namespace sigillo;

extern "C" {

uint32_t sigillo_abi_version(void) { return SIGILLO_ABI_VERSION; }

const char* sigillo_version(void) { return SIGILLO_VERSION; }

const char* sigillo_status_text(sigillo_status status) {
  switch (status) {
    case SIGILLO_OK:
      return "ok";
    case SIGILLO_BUFFER_TOO_SMALL:
      return "buffer-too-small";
    case SIGILLO_OUT_OF_MEMORY:
      return "out-of-memory";
    case SIGILLO_INTERNAL_ERROR:
      return "internal-error";
    default:
      break;
  }
#define SIGILLO_X(name, text, exit) \
  if (status == capi::number_of(core::ErrorCode::name)) return text;
  SIGILLO_ERROR_CODES(SIGILLO_X)
#undef SIGILLO_X
  return "unknown";
}

const char* sigillo_last_error_message(void) { return capi::last_message.data(); }

const char* sigillo_last_error_remedy(void) { return capi::last_remedy.data(); }

}  // extern "C"
