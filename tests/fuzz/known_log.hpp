// The log whose key the harnesses of notes and proofs trust; their seeds are signed by it.
#pragma once

#include "sigillo/audit/note.hpp"

inline const sigillo::audit::NoteVerifier& known_log() {
  static const auto key =
      sigillo::audit::NoteVerifier::parse(
          "ledger.example/v1+a72446d6+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
          .value();
  return key;
}
