// Published vectors of Merkle trees, signed notes, checkpoints and tlog-proofs, and the worked
// examples of docs/formats.
#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "sigillo/audit/cosignature.hpp"
#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/tile.hpp"
#include "sigillo/audit/witness.hpp"
#include "sigillo/core/json.hpp"
#include "tests/vectors/vector_file.hpp"

namespace {

using namespace sigillo::audit;
using sigillo::test::each_vector;
using sigillo::test::Vector;
namespace core = sigillo::core;

using Hashes = std::vector<Digest>;

const std::filesystem::path kSource = SIGILLO_SOURCE_DIR;

std::filesystem::path file(std::string_view name) {
  return kSource / "tests" / "vectors" / "audit" / name;
}
Digest digest(Vector& v, std::string_view name) { return Digest::from_hex(v.text(name)).value(); }
std::uint64_t number(Vector& v, std::string_view name) {
  return static_cast<std::uint64_t>(v.integer(name));
}
Hashes hashes(Vector& v, std::string_view name) {
  Hashes path;
  const std::string text = v.text(name);
  for (std::size_t at = 0; at < text.size(); at += 65)
    path.push_back(Digest::from_hex(std::string_view(text).substr(at, 64)).value());
  return path;
}
core::PrivateKey secret(Vector& v) {
  return core::PrivateKey::from_ed25519_seed(v.hex("seed")).value();
}

Hashes byte_leaves(std::size_t count) {
  Hashes leaves;
  for (std::size_t i = 0; i < count; ++i)
    leaves.push_back(leaf_hash(core::Bytes{static_cast<std::uint8_t>(i)}));
  return leaves;
}
// The first eight blocks of leaf_hash.txt are the reference tree.
Hashes reference_leaves() {
  Hashes leaves;
  each_vector(file("leaf_hash.txt"), [&](Vector& v) {
    leaves.push_back(digest(v, "hash"));
    REQUIRE(leaf_hash(v.hex("leaf")) == leaves.back());
  });
  leaves.resize(8);
  return leaves;
}

// The lines that accumulated.txt hashes, by kind.
std::string accumulated_lines(std::string_view kind, const Hashes& leaves) {
  const auto range = [&](std::size_t begin, std::size_t end) {
    return std::span(leaves).subspan(begin, end - begin);
  };
  const auto is_subtree = [](std::size_t begin, std::size_t end) {
    return begin == end || begin % std::bit_ceil(end - begin) == 0;
  };
  std::string lines;
  const auto add = [&](const std::string& head, const Hashes& list) {
    lines += head;
    for (const Digest& hash : list) lines += " " + hash.hex();
    lines += "\n";
  };
  for (std::size_t n = 0; n <= leaves.size(); ++n) {
    if (kind == "roots") add(fmt::format("{}", n), {tree_root(range(0, n))});
    for (std::size_t i = 0; kind == "inclusion" && i < n; ++i)
      add(fmt::format("{} {}", i, n), inclusion_path(i, range(0, n)).value());
    for (std::size_t m = 1; kind == "consistency" && m <= n; ++m)
      add(fmt::format("{} {}", m, n), consistency_path(m, range(0, n)).value());
    for (std::size_t m = 0; kind.starts_with("subtree") && m <= n; ++m) {
      if (!is_subtree(m, n)) continue;
      if (kind == "subtree_roots") add(fmt::format("[{}, {})", m, n), {tree_root(range(m, n))});
      for (std::size_t i = m; kind == "subtree_inclusion" && i < n; ++i)
        add(fmt::format("{} [{}, {})", i, m, n), inclusion_path(i - m, range(m, n)).value());
    }
  }
  return lines;
}

// The one fenced block of a document whose info string is `kind`.
std::string example_of(const std::filesystem::path& document, const std::string& kind) {
  std::ifstream in(document);
  REQUIRE(in.good());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string opening = "\n```" + kind + "\n";
  const std::size_t begin = text.find(opening);
  REQUIRE(begin != std::string::npos);
  REQUIRE(text.find(opening, begin + 1) == std::string::npos);
  const std::size_t first = begin + opening.size();
  const std::size_t end = text.find("```", first);
  REQUIRE(end != std::string::npos);
  return text.substr(first, end - first);
}

}  // namespace

TEST_CASE("vectors: leaf and node hashes") {
  CHECK(each_vector(file("leaf_hash.txt"), [](Vector& v) {
          INFO(v.place());
          CHECK(leaf_hash(v.hex("leaf")) == digest(v, "hash"));
        }) == 10);
  CHECK(each_vector(file("node_hash.txt"), [](Vector& v) {
          INFO(v.place());
          CHECK(node_hash(digest(v, "left"), digest(v, "right")) == digest(v, "hash"));
        }) == 7);
}

TEST_CASE("vectors: roots, up to a million leaves") {
  const Hashes reference = reference_leaves();
  CompactRange decimal;  // the file's sizes ascend
  CHECK(each_vector(file("root.txt"), [&](Vector& v) {
          INFO(v.place());
          const std::uint64_t size = number(v, "size");
          const Digest root = digest(v, "root");
          if (v.text("leaves") == "reference") {
            CHECK(tree_root(std::span(reference).first(size)) == root);
            return;
          }
          REQUIRE(v.text("leaves") == "decimal");
          REQUIRE(decimal.size() <= size);
          while (decimal.size() < size)
            decimal.append(leaf_hash(core::as_bytes(fmt::format("{}", decimal.size()))));
          CHECK(decimal.root() == root);
        }) == 18);
}

TEST_CASE("vectors: inclusion proofs") {
  const Hashes reference = reference_leaves();
  CHECK(each_vector(file("inclusion.txt"), [&](Vector& v) {
          INFO(v.place());
          const std::uint64_t index = number(v, "index");
          const std::uint64_t size = number(v, "size");
          const Hashes path = hashes(v, "path");
          const Digest leaf = digest(v, "leaf_hash");
          CHECK(verify_inclusion(leaf, index, size, path, digest(v, "root")).has_value());
          if (size <= reference.size())
            CHECK(inclusion_path(index, std::span(reference).first(size)).value() == path);
        }) == 6);
}

TEST_CASE("vectors: consistency proofs") {
  const Hashes reference = reference_leaves();
  CHECK(each_vector(file("consistency.txt"), [&](Vector& v) {
          INFO(v.place());
          const std::uint64_t old_size = number(v, "old_size");
          const std::uint64_t new_size = number(v, "new_size");
          const Digest old_root = digest(v, "old_root");
          const Digest new_root = digest(v, "new_root");
          const Hashes path = hashes(v, "path");
          CHECK(verify_consistency(old_size, old_root, new_size, new_root, path).has_value());
          const auto leaves = std::span(reference).first(new_size);
          if (tree_root(leaves) == new_root)
            CHECK(consistency_path(old_size, leaves).value() == path);
        }) == 6);
}

TEST_CASE("vectors: all trees up to 130 in one hash") {
  CHECK(each_vector(file("accumulated.txt"), [](Vector& v) {
          INFO(v.place());
          const Hashes leaves = byte_leaves(number(v, "max_size"));
          CHECK(core::sha256(accumulated_lines(v.text("lines"), leaves)) == digest(v, "sha256"));
        }) == 5);
}

// All proofs of all trees up to 130 again, from tiles: the same lines, the same hash.
TEST_CASE("vectors: all trees up to 130, from tiles") {
  CHECK(each_vector(file("accumulated.txt"), [](Vector& v) {
          INFO(v.place());
          const Hashes leaves = byte_leaves(number(v, "max_size"));
          const std::string kind = v.text("lines");
          const Digest expected = digest(v, "sha256");
          if (kind.starts_with("subtree")) return;  // tiles begin where the tree does
          std::string lines;
          const auto add = [&](const std::string& head, const Hashes& list) {
            lines += head;
            for (const Digest& hash : list) lines += " " + hash.hex();
            lines += "\n";
          };
          for (std::size_t n = 0; n <= leaves.size(); ++n) {
            TiledNodes nodes(n, [&](const Tile& tile) {
              REQUIRE((tile.level == 0 && tile.index == 0 && tile.width == n));
              return core::Result<Hashes>(Hashes(leaves.begin(), leaves.begin() + tile.width));
            });
            if (kind == "roots") add(fmt::format("{}", n), {tree_root(n, nodes.reader()).value()});
            for (std::size_t i = 0; kind == "inclusion" && i < n; ++i)
              add(fmt::format("{} {}", i, n), inclusion_path(i, n, nodes.reader()).value());
            for (std::size_t m = 1; kind == "consistency" && m <= n; ++m)
              add(fmt::format("{} {}", m, n), consistency_path(m, n, nodes.reader()).value());
          }
          CHECK(core::sha256(lines) == expected);
        }) == 5);
}

TEST_CASE("vectors: tiles and entry bundles of a tree of 70,000") {
  std::map<std::string, core::Bytes> files;
  std::map<std::uint64_t, Digest> roots;
  core::Bytes bundle;
  TileEdge edge;
  const auto keep = [&](const Tile& tile, std::vector<Digest>&& hashes) -> core::Status {
    files[tile_path(tile)] = tile_bytes(hashes);
    return {};
  };
  while (edge.size() < 70000) {
    const std::string entry = fmt::format("{}", edge.size());
    append_to_bundle(bundle, core::as_bytes(entry));
    REQUIRE(edge.append(leaf_hash(core::as_bytes(entry)), keep).has_value());
    if (edge.size() == kTileWidth) files[tile_path({TileKind::entries, 0, 0, kTileWidth})] = bundle;
    if (edge.size() == 65536) roots[edge.size()] = edge.root();
  }
  for (unsigned level = 0; level < tile_levels(edge.size()); ++level)
    files[tile_path(widest_tile(TileKind::hashes, level,
                                level_size(level, edge.size()) / kTileWidth, edge.size()))] =
        tile_bytes(edge.partial(level));
  CHECK(each_vector(file("tile.txt"), [&](Vector& v) {
          INFO(v.place());
          const core::Bytes& bytes = files.at(v.text("path"));
          CHECK(bytes.size() == number(v, "bytes"));
          if (v.has("root_of"))
            CHECK(Digest::from_bytes(bytes).value() == roots.at(number(v, "root_of")));
          else CHECK(core::sha256(core::ByteView(bytes)) == digest(v, "sha256"));
        }) == 6);
}

TEST_CASE("vectors: verifier keys") {
  CHECK(each_vector(file("verifier_key.txt"), [](Vector& v) {
          INFO(v.place());
          const auto verifier = NoteVerifier::parse(v.text("vkey"));
          REQUIRE(verifier.has_value());
          CHECK(verifier->name() == v.text("name"));
          CHECK(fmt::format("{:08x}", verifier->key_id()) == v.text("key_id"));
          CHECK(verifier->key().ed25519_raw().value() == v.hex("public"));
          CHECK(verifier->vkey() == v.text("vkey"));
        }) == 5);
}

TEST_CASE("vectors: signed notes") {
  CHECK(each_vector(file("note.txt"), [](Vector& v) {
          INFO(v.place() << ", " << v.text("source"));
          const auto verifier = NoteVerifier::parse(v.text("vkey")).value();
          const auto text = core::parse_json(v.text("text")).value().get<std::string>();
          const std::string note =
              fmt::format("{}\n\xE2\x80\x94 {} {}\n", text, verifier.name(), v.text("signature"));
          const auto opened = open_note(note, {verifier});
          REQUIRE(opened.has_value());
          CHECK(opened->text == text);
          if (v.has("seed")) CHECK(sign_note(text, verifier.name(), secret(v)).value() == note);
        }) == 3);
}

TEST_CASE("vectors: signed checkpoints") {
  CHECK(each_vector(file("checkpoint.txt"), [](Vector& v) {
          INFO(v.place() << ", " << v.text("source"));
          const auto log = NoteVerifier::parse(v.text("vkey")).value();
          const Checkpoint checkpoint{log.name(), number(v, "size"), digest(v, "root")};
          const std::string note =
              fmt::format("{}\n\xE2\x80\x94 {} {}\n", checkpoint_text(checkpoint), log.name(),
                          v.text("signature"));
          const auto opened = open_checkpoint(note, log);
          REQUIRE(opened.has_value());
          CHECK(*opened == checkpoint);
          if (v.has("seed")) CHECK(sign_checkpoint(checkpoint, secret(v)).value() == note);
        }) == 4);
}

TEST_CASE("vectors: cosigned checkpoints") {
  CHECK(each_vector(file("cosignature.txt"), [](Vector& v) {
          INFO(v.place() << ", " << v.text("source"));
          const auto log = NoteVerifier::parse(v.text("log")).value();
          const auto witness = NoteVerifier::parse(v.text("vkey")).value();
          CHECK(witness.type() == SignatureType::cosignature);
          CHECK(witness.vkey() == v.text("vkey"));
          CHECK(fmt::format("{:08x}", witness.key_id()) == v.text("key_id"));
          const std::string text =
              checkpoint_text({log.name(), number(v, "size"), digest(v, "root")});
          const std::string line =
              fmt::format("\xE2\x80\x94 {} {}\n", witness.name(), v.text("signature"));
          const auto opened = open_note(fmt::format("{}\n{}", text, line), {log, witness});
          REQUIRE(opened.has_value());
          REQUIRE(opened->signers.size() == 1);
          CHECK(opened->signers[0].time == number(v, "time"));
          const core::Timestamp time{v.integer("time"), 0};
          CHECK(cosign(text, witness.name(), secret(v), time).value() == line);
        }) == 1);
}

TEST_CASE("vectors: requests to a witness") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("sigillo-vectors-{}", ::getpid());
  std::filesystem::remove_all(folder);
  core::SeededEntropy entropy(7);
  const core::FixedClock clock({1679315147, 0});
  REQUIRE(Witness::init(folder, "witness.example/w1", entropy, clock).has_value());
  Witness witness = Witness::open(folder).value();
  std::string watched;  // the log of the first block
  CHECK(each_vector(file("add_checkpoint.txt"), [&](Vector& v) {
          INFO(v.place() << ", " << v.text("source"));
          const auto log = NoteVerifier::parse(v.text("log")).value();
          if (watched.empty()) {
            watched = log.vkey();
            REQUIRE(witness.add_log(log).has_value());
          }
          core::Bytes blob = core::base64_decode(v.text("signature")).value();
          if (v.text("flip") == "yes") blob.back() ^= 1;
          const std::string text =
              checkpoint_text({log.name(), number(v, "size"), digest(v, "root")});
          ConsistencyProof proof{
              number(v, "old"), hashes(v, "proof"),
              fmt::format("{}\n\xE2\x80\x94 {} {}\n", text, log.name(), core::base64_encode(blob))};
          const auto answer = witness.add_checkpoint(consistency_proof_text(proof), clock.now());
          REQUIRE(answer.has_value());
          CHECK(answer->status == v.integer("status"));
          if (answer->status == 200)
            CHECK(open_note(fmt::format("{}\n{}", text, answer->body), {witness.key()})
                      .value()
                      .signers.front()
                      .time == 1679315147U);
          // What it holds now: the size of this checkpoint, or another that a 409 names.
          proof = {number(v, "size"), {}, proof.checkpoint};
          const std::uint64_t after = number(v, "size_after");
          const auto again = witness.add_checkpoint(consistency_proof_text(proof), clock.now());
          REQUIRE(again.has_value());
          if (log.vkey() != watched || v.text("flip") == "yes") CHECK(again->status != 200);
          else if (after == proof.old_size) CHECK(again->status == 200);
          else CHECK(again->body == fmt::format("{}\n", after));
        }) == 6);
  std::filesystem::remove_all(folder);
}

TEST_CASE("vectors: the examples of docs/formats are what the program writes and accepts") {
  const std::string checkpoint_note =
      example_of(kSource / "docs" / "formats" / "checkpoint.md", "checkpoint");
  const std::string proof_text =
      example_of(kSource / "docs" / "formats" / "proof.md", "tlog-proof");
  const std::string leaf_hex = example_of(kSource / "docs" / "formats" / "proof.md", "leaf-hex");
  const auto leaf = core::hex_decode(std::string_view(leaf_hex).substr(0, leaf_hex.size() - 1));
  REQUIRE(leaf.has_value());
  const auto log =
      NoteVerifier::parse("ledger.example/v1+a72446d6+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
          .value();
  core::Bytes seed;
  for (std::uint8_t i = 0; i < 32; ++i) seed.push_back(i);
  const auto key = core::PrivateKey::from_ed25519_seed(seed).value();
  const Hashes leaves = reference_leaves();

  const Checkpoint checkpoint{"ledger.example/v1", 8, tree_root(leaves)};
  CHECK(sign_checkpoint(checkpoint, key).value() == checkpoint_note);
  CHECK(open_checkpoint(checkpoint_note, log).value() == checkpoint);

  const TlogProof proof{5, inclusion_path(5, leaves).value(), checkpoint_note,
                        core::to_bytes("inspected copy")};
  CHECK(tlog_proof_text(proof) == proof_text);
  CHECK(verify_tlog_proof(parse_tlog_proof(proof_text).value(), *leaf, log).value() == checkpoint);

  // With a witness: the note, the policy, and the request that asks for the line.
  const auto formats = kSource / "docs" / "formats";
  const std::string cosigned = example_of(formats / "checkpoint.md", "cosigned-checkpoint");
  core::Bytes witness_seed;
  for (std::uint8_t i = 0x20; i < 0x40; ++i) witness_seed.push_back(i);
  const auto witness = core::PrivateKey::from_ed25519_seed(witness_seed).value();
  CHECK(checkpoint_note +
            cosign(checkpoint_text(checkpoint), "witness.example/w1", witness, {1679315147, 0})
                .value() ==
        cosigned);
  const auto policy =
      WitnessPolicy::parse(example_of(formats / "witness-policy.md", "tlog-policy")).value();
  CHECK(policy.witnesses().size() == 3);
  CHECK_FALSE(policy.quorum_met({"auditor", "legal"}));
  CHECK(policy.quorum_met({"auditor", "press"}));
  const auto trust = trust_policy(policy, log, {1795000000, 0}).value();
  CHECK(open_trusted_checkpoint(cosigned, trust).error().code == core::ErrorCode::not_trusted);
  CHECK(consistency_proof_text({0, {}, checkpoint_note}) ==
        example_of(formats / "witness.md", "add-checkpoint"));
}
