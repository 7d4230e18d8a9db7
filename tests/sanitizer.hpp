// Tests that go through every case of something large take a part of the cases where a sanitizer
// makes each of them many times slower; without one, all are taken.
#pragma once

#include <cstddef>

namespace test {

#ifdef SIGILLO_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Of many cases of one kind, such as the bytes of a file.
inline constexpr std::size_t kEveryNth = kSanitized ? 37 : 1;

}  // namespace test
