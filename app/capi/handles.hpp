// What is behind the opaque handles of sigillo.h.
#pragma once

#include <string>

#include "app/capi/status.hpp"
#include "sigillo/watermark/text.hpp"
#include "sigillo/watermark/tokenizer.hpp"

struct sigillo_profile {
  sigillo::watermark::TextProfile profile;
  std::string json;  // canonical
};

struct sigillo_key {
  sigillo::watermark::TextKey key;
  std::string key_id;  // empty unless it came from a keyring
};

struct sigillo_tokenizer {
  sigillo::watermark::Tokenizer tokenizer;
};
