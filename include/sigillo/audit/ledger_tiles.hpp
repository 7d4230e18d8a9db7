// LedgerTiles: the tiles, bundles and proofs of a ledger's checkpoint, computed from its
// entries. For a server, and for one proof.
//
//  1. Every entry is read and hashed once; of the tree, what is above level 0 stays in memory (a
//     quarter of a byte a leaf: 250 kB for a million entries), with the right edge and the tiles of
//     level 0 that were used last (at most 64 MiB).
//  2. Nothing is given that does not lead to a signed root: stored hashes are compared with that
//     tree when they are read, and entries with their hashes.
//  3. Work is bounded: one call reads at most one bundle, or what catch_up() was allowed.
#pragma once

#include <memory>

#include "sigillo/audit/ledger.hpp"
#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/tile.hpp"

namespace sigillo::audit {

// Thread-safe: each call borrows a Ledger of its own.
class LedgerTiles {
 public:
  using OpenLedger = std::function<core::Result<Ledger>()>;
  using ChooseCheckpoint = std::function<core::Result<std::string>(const Ledger&)>;
  // open is called for each Ledger that is needed at once; log is the key of its checkpoints;
  // choose says which of them to cover, the latest unless given.
  LedgerTiles(OpenLedger open, NoteVerifier log, ChooseCheckpoint choose = {});
  LedgerTiles(LedgerTiles&&) noexcept;
  LedgerTiles& operator=(LedgerTiles&&) noexcept;
  ~LedgerTiles();

  static constexpr std::uint64_t kAllEntries = ~std::uint64_t{0};
  // Reads on towards the ledger's latest checkpoint, at most `entries` entries, and gives what it
  // covers once it is reached. If another thread is at it, there is nothing to do. ledger_corrupt
  // if the entries do not give the signed root, or if the latest checkpoint is older than one that
  // was given before: then nothing new is given until the ledger is mended.
  [[nodiscard]] core::Status catch_up(std::uint64_t entries = kAllEntries);

  // Of the checkpoint that was reached last; not_found before the first.
  [[nodiscard]] core::Result<std::string> checkpoint() const;  // the signed note
  // The bytes of a tile or bundle; not_found if the tree does not have all of it.
  [[nodiscard]] core::Result<core::Bytes> tile(const Tile& tile) const;
  // Verified before they are given. invalid_argument: no such entry, or no such older size.
  [[nodiscard]] core::Result<TlogProof> prove_entry(std::uint64_t index) const;
  [[nodiscard]] core::Result<ConsistencyProof> prove_growth(std::uint64_t old_size) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigillo::audit
