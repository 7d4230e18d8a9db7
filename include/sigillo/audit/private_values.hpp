// Private values: what commitments in the ledger hide, in a file of its own that can be erased.
//
// commitment = HMAC-SHA-256(salt, FIELD || 0x00 || VALUE) with a fresh 32-byte salt. Without salt
// and value it says nothing.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sigillo/core/clock.hpp"
#include "sigillo/core/digest.hpp"

namespace sigillo::audit {

// The members of a run-start record that are commitments.
inline constexpr std::array<std::string_view, 5> kCommittedFields = {"command", "environment",
                                                                     "user", "host_name", "folder"};

[[nodiscard]] core::Digest commitment(core::ByteView salt, std::string_view field,
                                      std::string_view value);

struct PrivateValue {
  core::Digest commitment;  // the name under which it is stored
  std::string field;
  core::Bytes salt;
  std::string value;
};

// Not thread-safe; several processes may use one file. secure_delete is on.
class PrivateValues {
 public:
  [[nodiscard]] static core::Result<PrivateValues> open(
      const std::filesystem::path& file);  // creates it, mode 0600
  [[nodiscard]] static core::Result<PrivateValues> open_read(
      const std::filesystem::path& file);  // not_found if absent
  PrivateValues(PrivateValues&&) noexcept;
  PrivateValues& operator=(PrivateValues&&) noexcept;
  ~PrivateValues();

  // Draws a salt, stores the value durably and gives its commitment.
  [[nodiscard]] core::Result<core::Digest> commit(std::string_view field, std::string_view value,
                                                  core::Entropy& entropy);
  [[nodiscard]] core::Result<std::string> reveal(
      const core::Digest& commitment) const;  // not_found if erased
  // Deletes values and salts durably, all or none, and overwrites them in the file (secure_delete).
  // Those that are not there are passed over; gives how many were.
  [[nodiscard]] core::Result<std::uint64_t> erase(const std::vector<core::Digest>& commitments);
  [[nodiscard]] core::Status for_each(
      const std::function<core::Status(const PrivateValue&)>& visit) const;

 private:
  struct Impl;
  explicit PrivateValues(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigillo::audit
