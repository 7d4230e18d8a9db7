#include "sigillo/core/keyring.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "sigillo/core/files.hpp"
#include "sigillo/core/json.hpp"

namespace sigillo::core {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxKeyFile = 16384;

bool is_key_name(std::string_view name) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= 64 && letter_or_digit(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return letter_or_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

Result<KeyInfo> info_from_json(std::string_view text, std::string_view where) {
  SIGILLO_TRY(const Json value, parse_json(text));
  KeyInfo info;
  SIGILLO_TRY(info.name, json_string(value, "name", where));
  SIGILLO_TRY(info.kind, json_string(value, "kind", where));
  SIGILLO_TRY(info.algorithm, json_string(value, "algorithm", where));
  SIGILLO_TRY(info.key_id, json_string(value, "key_id", where));
  SIGILLO_TRY(info.created_at, json_string(value, "created_at", where));
  SIGILLO_TRY(info.public_key, json_string_or(value, "public_key", "", where));
  return info;
}

KeyInfo describe_signing(std::string_view name, const PrivateKey& key, const Clock& clock) {
  const PublicKey& public_key = key.public_key();
  return {std::string(name),
          "signing",
          std::string(to_string(public_key.algorithm())),
          public_key.id().hex(),
          to_rfc3339(clock.now()),
          public_key.pem()};
}

Result<KeyInfo> describe_watermark(std::string_view name, std::string_view algorithm,
                                   Entropy& entropy, const Clock& clock) {
  Bytes id(8);
  SIGILLO_TRY_VOID(entropy.fill(id));
  return KeyInfo{std::string(name),       "watermark",
                 std::string(algorithm),  "wm-" + hex_encode(id),
                 to_rfc3339(clock.now()), ""};
}

// The text of a watermark key's file.
std::string watermark_text(const WatermarkKey& key) {
  std::string text;
  text.reserve(key.values().size() * 19);  // no reallocation leaves a copy behind
  for (const std::uint64_t value : key.values()) text += fmt::format("0x{:016x}\n", value);
  return text;
}

}  // namespace

Result<std::uint64_t> parse_watermark_key(std::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const bool hex = text.starts_with("0x");
  const std::string_view digits = hex ? text.substr(2) : text;
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
    return Error{ErrorCode::invalid_input, "not a 64-bit watermark key",
                 "write one decimal or 0x-hex number below 2^64"};
  return value;
}

Status Keyring::store(const KeyInfo& info, std::string_view secret, std::string_view extension) {
  if (!is_key_name(info.name))
    return Error{ErrorCode::invalid_argument, fmt::format("\"{}\" is no key name", info.name),
                 "use 1 to 64 of a-z 0-9 . _ - and begin with a letter or digit"};
  std::error_code ignored;
  fs::create_directories(folder_, ignored);
  fs::permissions(folder_, fs::perms::owner_all, ignored);
  if (fs::exists(folder_ / (info.name + ".json"), ignored))
    return Error{ErrorCode::already_exists, fmt::format("key \"{}\" exists already", info.name),
                 "choose another name"};
  Json json{{"algorithm", info.algorithm},
            {"created_at", info.created_at},
            {"key_id", info.key_id},
            {"kind", info.kind},
            {"name", info.name}};
  if (!info.public_key.empty()) json["public_key"] = info.public_key;
  SIGILLO_TRY(const std::string description, canonical_json(json));
  // The secret first: a crash in between leaves an unnamed secret, never a name without one.
  SIGILLO_TRY_VOID(write_file_atomically(folder_ / (info.name + std::string(extension)),
                                         as_bytes(secret), 0600));
  return write_file_atomically(folder_ / (info.name + ".json"), as_bytes(description + "\n"), 0600);
}

Result<KeyInfo> Keyring::generate_signing(std::string_view name, KeyAlgorithm algorithm,
                                          Entropy& entropy, const Clock& clock) {
  SIGILLO_TRY(const PrivateKey key, PrivateKey::generate(algorithm, entropy));
  SIGILLO_TRY(std::string pem, key.pem());
  KeyInfo info = describe_signing(name, key, clock);
  const Status status = store(info, pem, ".pem");
  secure_zero(pem.data(), pem.size());
  if (!status.has_value()) return status.error();
  return info;
}

Result<KeyInfo> Keyring::generate_watermark(std::string_view name, Entropy& entropy,
                                            const Clock& clock) {
  std::array<std::uint8_t, 8> secret_bytes{};
  SIGILLO_TRY_VOID(entropy.fill(secret_bytes));
  SIGILLO_TRY(KeyInfo info, describe_watermark(name, "uint64", entropy, clock));
  std::string text = "0x" + hex_encode(secret_bytes) + "\n";
  const Status status = store(info, text, ".watermark");
  secure_zero(text.data(), text.size());
  secure_zero(secret_bytes.data(), secret_bytes.size());
  if (!status.has_value()) return status.error();
  return info;
}

Result<KeyInfo> Keyring::import_key(std::string_view name, std::string_view text, Entropy& entropy,
                                    const Clock& clock) {
  if (text.find("-----BEGIN") != std::string_view::npos) {
    SIGILLO_TRY(const PrivateKey key, PrivateKey::from_pem(text));
    SIGILLO_TRY(std::string pem, key.pem());
    KeyInfo info = describe_signing(name, key, clock);
    const Status status = store(info, pem, ".pem");
    secure_zero(pem.data(), pem.size());
    if (!status.has_value()) return status.error();
    return info;
  }
  SIGILLO_TRY(const WatermarkKey key, parse_watermark_values(text));
  const char* algorithm = key.values().size() == 1 ? "uint64" : "uint64-list";
  SIGILLO_TRY(KeyInfo info, describe_watermark(name, algorithm, entropy, clock));
  std::string secret_text = watermark_text(key);
  const Status status = store(info, secret_text, ".watermark");
  secure_zero(secret_text.data(), secret_text.size());
  if (!status.has_value()) return status.error();
  return info;
}

Result<std::vector<KeyInfo>> Keyring::list() const {
  std::vector<KeyInfo> keys;
  std::error_code error;
  fs::directory_iterator files(folder_, error);
  if (error == std::errc::no_such_file_or_directory) return keys;
  if (error) return error_from_errno(error.value(), "cannot list", folder_);
  for (; !error && files != fs::directory_iterator(); files.increment(error)) {
    const fs::path& file = files->path();
    if (file.extension() != ".json" || !is_key_name(file.stem().string())) continue;
    SIGILLO_TRY(KeyInfo key, info(file.stem().string()));
    keys.push_back(std::move(key));
  }
  if (error) return error_from_errno(error.value(), "cannot list", folder_);
  std::sort(keys.begin(), keys.end(),
            [](const KeyInfo& a, const KeyInfo& b) { return a.name < b.name; });
  return keys;
}

Result<KeyInfo> Keyring::info(std::string_view name) const {
  std::error_code error;
  const fs::path path = folder_ / (std::string(name) + ".json");
  const bool there = is_key_name(name) && fs::exists(path, error);
  if (error == std::errc::io_error || error == std::errc::permission_denied)
    return error_from_errno(error.value(), "cannot open", path);
  if (!there)
    return Error{
        ErrorCode::key_missing,
        fmt::format("the keyring {} has no key \"{}\"", folder_.string(), name),
        "`sigillo keys list` shows the keys that are there; `sigillo keys generate` makes one"};
  SIGILLO_TRY(const Bytes text, read_file(path, kMaxKeyFile));
  SIGILLO_TRY(KeyInfo key, info_from_json(as_text(text), path.string()));
  // The secret's path is made from this name: it must not lead to another key, here or elsewhere.
  if (key.name != name)
    return Error{ErrorCode::invalid_input,
                 fmt::format("{} describes a key of another name, \"{}\"", path.string(), key.name),
                 "restore the file from a backup"};
  return key;
}

Result<std::string> Keyring::secret(const KeyInfo& info, std::string_view extension) const {
  const fs::path path = folder_ / (info.name + std::string(extension));
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0)
    return error_from_errno(errno, "cannot read key file", path);
  if ((state.st_mode & 077) != 0)
    return Error{ErrorCode::key_insecure,
                 fmt::format("key file {} can be read by others", path.string()),
                 fmt::format("chmod 600 {}", path.string())};
  SIGILLO_TRY(const Bytes content, read_file(path, kMaxKeyFile));
  return std::string(as_text(content));
}

Status Keyring::forget_secret(std::string_view name) {
  SIGILLO_TRY(const KeyInfo key, info(name));
  const fs::path path = folder_ / (key.name + ".pem");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return error_from_errno(errno, "cannot delete", path);
  return sync_file_system(folder_);
}

Result<PrivateKey> Keyring::signing_key(std::string_view name) const {
  SIGILLO_TRY(const KeyInfo key, info(name));
  if (key.kind != "signing")
    return Error{ErrorCode::key_missing,
                 fmt::format("key \"{}\" is a {} key, not a signing key", name, key.kind),
                 "`sigillo keys list` shows the kinds"};
  SIGILLO_TRY(std::string pem, secret(key, ".pem"));
  auto result = PrivateKey::from_pem(pem);
  secure_zero(pem.data(), pem.size());
  if (result.has_value() && result->public_key().id().hex() != key.key_id)
    return Error{ErrorCode::key_missing,
                 fmt::format("key file of \"{}\" is not the key that its description names", name),
                 "restore the key file from a backup"};
  return result;
}

Result<WatermarkKey> Keyring::watermark_values(std::string_view name) const {
  SIGILLO_TRY(const KeyInfo key, info(name));
  if (key.kind != "watermark")
    return Error{ErrorCode::key_missing,
                 fmt::format("key \"{}\" is a {} key, not a watermark key", name, key.kind),
                 "`sigillo keys list` shows the kinds; `sigillo keys generate NAME --algorithm "
                 "watermark` makes one"};
  SIGILLO_TRY(std::string text, secret(key, ".watermark"));
  auto value = parse_watermark_values(text);
  secure_zero(text.data(), text.size());
  return value;
}

Result<std::uint64_t> Keyring::watermark_key(std::string_view name) const {
  SIGILLO_TRY(const WatermarkKey key, watermark_values(name));
  if (key.values().size() != 1)
    return Error{ErrorCode::unsupported,
                 fmt::format("key \"{}\" is a list of {} numbers, not one 64-bit number", name,
                             key.values().size()),
                 "name a key that `sigillo keys list` shows as uint64"};
  return key.value();
}

}  // namespace sigillo::core
