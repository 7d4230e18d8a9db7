// Two npm packages and this file judge our COSE receipts: @auth0/cose checks the COSE_Sign1 with the root as its detached
// payload and reads the COSE_Key, cbor2 decodes under the rules of common deterministic encoding and writes the same bytes
// again, and the tree is climbed here. The reference receipt of the unit tests is made anew, with no code of ours.
// usage: cose.mjs SIGILLO SCRATCH CORPUS. Exit: 0 as it should be, 1 not, 77 the judges are not installed.
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const [sigillo, scratch, corpus] = process.argv.slice(2);
let cose, cbor2;
try {
  cose = await import("@auth0/cose");
  cbor2 = await import("cbor2");
} catch (error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.log("SKIPPED: @auth0/cose or cbor2 is not installed; run: npm install --prefix tests/interop");
  process.exit(77);
}
function check(condition, message) { if (!condition) throw new Error(message); }

// -- what the judges are made of
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const leafHash = (leaf) => sha256(Buffer.of(0), leaf);
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);
const plain = (bytes) => new Uint8Array(bytes);
const encode = (value) => Buffer.from(cbor2.encode(value, cbor2.cdeEncodeOptions));
const decode = (bytes) => cbor2.decode(plain(bytes), { ...cbor2.cdeDecodeOptions, preferMap: true });
const isMap = (value, size) => value instanceof Map && value.size === size;
const isHash = (value) => value instanceof Uint8Array && value.length === 32;

// The root that a path leads to, by the definition of RFC 9162 section 2.1.3.1 turned round: recursive, from the root down.
function rootOf(hash, index, size, siblings) {
  check(index < size, "there is no such leaf");
  if (size === 1) { check(siblings.length === 0, "the path is too long"); return hash; }
  check(siblings.length > 0, "the path is too short");
  let left = 1;
  while (left * 2 < size) left *= 2;
  const below = siblings.slice(0, -1), last = siblings.at(-1);
  return index < left ? nodeHash(rootOf(hash, index, left, below), last)
    : nodeHash(last, rootOf(hash, index - left, size - left, below));
}

// What a reader of RFC 9942 does, and of docs/formats/cose-receipt.md: claims and subject. Throws why not.
async function judge(receipt, leaf, keyBytes) {
  const decoded = decode(receipt);
  check(decoded instanceof cbor2.Tag && decoded.tag === 18, "it is not tagged as COSE_Sign1");
  const [headerBytes, unprotected, payload] = decoded.contents;
  check(decoded.contents.length === 4 && payload === null, "it is no COSE_Sign1 with a detached payload");
  const header = decode(headerBytes);
  check(isMap(header, 4) && header.get(395) === 1, "it is of another tree");
  check(isMap(unprotected, 1) && isMap(unprotected.get(396), 1), "its unprotected header holds more than proofs");
  const proofs = unprotected.get(396).get(-1);
  check(Array.isArray(proofs) && proofs.length === 1, "it has not one proof of inclusion");
  const proof = decode(proofs[0]);
  check(Array.isArray(proof) && proof.length === 3 && proof[2].every(isHash), "its proof has another form");
  const [size, index, siblings] = proof;
  const claims = header.get(15);
  check(isMap(claims, 2) && claims.get(2) === `entry/${index}/of/${size}`, "the subject is not what is proved");
  const key = cose.COSEKey.import(plain(keyBytes));
  check(Buffer.from(header.get(4)).equals(key.get(cose.COSEKeyParam?.KeyID ?? 2)), "it is of another key");
  const root = rootOf(leafHash(leaf), index, size, siblings.map((hash) => Buffer.from(hash)));
  const message = cose.Sign1.decode(plain(receipt));
  await message.verify(await key.toKeyLike(), { detachedPayload: plain(root), algorithms: [cose.Algorithms.EdDSA] });
  // One form: a deterministic encoder of somebody else writes the same bytes.
  check(encode(decoded).equals(receipt) && encode(header).equals(Buffer.from(headerBytes)) && encode(proof).equals(Buffer.from(proofs[0])),
    "it is not in deterministic form");
  return { origin: claims.get(1), index, size };
}
async function verdict(...evidence) {
  try { await judge(...evidence); return ""; } catch (error) { return error.message || error.name; }
}

// -- a ledger, and one with other keys
rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
const run = (args, options = {}) => execFileSync(sigillo, args, { cwd: scratch, stdio: ["pipe", "pipe", "pipe"], ...options });
const at = (name) => readFileSync(path.join(scratch, name));
const records = (count) => Array.from({ length: count }, (_, i) =>
  JSON.stringify({ kind: "role-declaration", fields: { actor: `actor ${i}`, role: ["system_provider"], jurisdiction: ["EU"] } })).join("\n") + "\n";
function ledger(name, count) {
  const own = (...args) => run(["--workspace", name, ...args]);
  own("init", "--origin", "test.example/audit", "--actor", "Tester");
  run(["--workspace", name, "log", "append", "-"], { input: records(count) });
  own("log", "cose-receipt", "0", "-o", `${name}.cose`);
  return {
    key: Buffer.from(own("keys", "export", "cose", "--format", "cose-key").toString().trim(), "hex"),
    receipt(index) { own("log", "cose-receipt", String(index), "-o", `${name}.cose`); return at(`${name}.cose`); },
    leaf: (index) => own("log", "show", String(index), "--raw"),
  };
}
const mine = ledger("w", 8), foreign = ledger("other", 8);
const size = 11;  // genesis, trust list, 8 records, the trust list that names the key

// -- accepted: every entry
const all = [];
for (let index = 0; index < size; ++index) {
  const receipt = mine.receipt(index), leaf = mine.leaf(index), said = await judge(receipt, leaf, mine.key);
  check(said.origin === "test.example/audit" && said.index === index && said.size === size, `entry ${index}: ${JSON.stringify(said)}`);
  all.push({ receipt, leaf });
}
// The key's kid is its thumbprint, and the ledger names that key for receipts.
const x = decode(mine.key).get(-2);
check(Buffer.from(decode(mine.key).get(2)).equals(sha256(encode(new Map([[1, 1], [-1, 6], [-2, x]])))), "the kid is no thumbprint");
const list = JSON.parse(run(["--workspace", "w", "log", "show", "10", "--json"])).fields.keys.at(-1);
const spki = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(x).toString("base64url") }, format: "jwk" })
  .export({ format: "der", type: "spki" });
check(list.kinds.join() === "cose-receipt" && Buffer.from(list.public_key, "base64").equals(spki), "the trust list names another key");

// -- refused: other keys, leaves, parts, and every change of a byte
const { receipt, leaf } = all[4];
let refusals = 0;
async function refused(what, ...evidence) {
  check(await verdict(...evidence) !== "", `accepted: ${what}`);
  ++refusals;
}
await refused("a foreign key", receipt, leaf, foreign.key);
await refused("a foreign receipt", foreign.receipt(4), foreign.leaf(4), mine.key);
for (const other of all) if (other.leaf !== leaf) await refused("another leaf", receipt, other.leaf, mine.key);
{
  const [header, unprotected, , signature] = decode(receipt).contents, other = decode(all[5].receipt).contents;
  const parts = (...contents) => encode(new cbor2.Tag(18, contents));
  check(parts(header, unprotected, null, signature).equals(receipt), "parts are not put together as they were");
  await refused("another proof", parts(header, other[1], null, signature), leaf, mine.key);
  await refused("another header", parts(other[0], unprotected, null, signature), leaf, mine.key);
  await refused("another signature", parts(header, unprotected, null, other[3]), leaf, mine.key);
}
for (let i = 0; i < receipt.length; ++i) {
  const flipped = Buffer.from(receipt);
  flipped[i] ^= 1 << (i % 8);
  await refused(`byte ${i}`, flipped, leaf, mine.key);
  await refused(`cut off at ${i}`, receipt.subarray(0, i), leaf, mine.key);
}
await refused("a byte more", Buffer.concat([receipt, Buffer.of(0)]), leaf, mine.key);
for (let i = 0; i < leaf.length; i += 7) {
  const flipped = Buffer.from(leaf);
  flipped[i] ^= 1;
  await refused(`byte ${i} of the leaf`, receipt, flipped, mine.key);
}
check(await verdict(receipt, leaf, mine.key) === "", "something above changed the original");

// -- the other way round: a receipt that is made here, of a tree that is made here, is what sigillo reads
const tree = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
  .map((hex) => Buffer.from(hex, "hex"));
const half = (hashes) => { let k = 1; while (k * 2 < hashes.length) k *= 2; return k; };
const treeRoot = (h) => h.length === 1 ? h[0] : nodeHash(treeRoot(h.slice(0, half(h))), treeRoot(h.slice(half(h))));
function treePath(m, h) {
  if (h.length === 1) return [];
  const k = half(h);
  return m < k ? [...treePath(m, h.slice(0, k)), treeRoot(h.slice(k))] : [...treePath(m - k, h.slice(k)), treeRoot(h.slice(0, k))];
}
const seed = Buffer.from(Array.from({ length: 32 }, (_, i) => 0x40 + i));
const secret = createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]), format: "der", type: "pkcs8" });
const point = plain(Buffer.from(createPublicKey(secret).export({ format: "jwk" }).x, "base64url"));
const kid = plain(sha256(encode(new Map([[1, 1], [-1, 6], [-2, point]]))));
const coseKey = encode(new Map([[1, 1], [2, kid], [3, -8], [-1, 6], [-2, point]]));
const hashes = tree.map(leafHash);
const header = plain(encode(new Map([[1, -8], [4, kid], [15, new Map([[1, "ledger.example/v1"], [2, "entry/5/of/8"]])], [395, 1]])));
const proof = plain(encode([8, 5, treePath(5, hashes).map(plain)]));
const signature = sign(null, encode(["Signature1", header, new Uint8Array(), plain(treeRoot(hashes))]), secret);
const reference = encode(new cbor2.Tag(18, [header, new Map([[396, new Map([[-1, [proof]]])]]), null, plain(signature)]));
check(reference.equals(readFileSync(path.join(corpus, "reference"))), "the reference receipt is another one");
check(coseKey.equals(readFileSync(path.join(corpus, "key"))), "the reference key is another one");
await judge(reference, tree[5], coseKey);
writeFileSync(path.join(scratch, "made.cose"), reference);
writeFileSync(path.join(scratch, "leaf"), tree[5]);
const said = JSON.parse(run(["log", "verify-cose", "made.cose", "--leaf", "leaf", "--key", coseKey.toString("hex"), "--origin", "ledger.example/v1", "--json"]));
check(said.verified === true && said.index === 5 && said.size === 8, `sigillo says ${JSON.stringify(said)}`);

console.log(`@auth0/cose, cbor2 and a tree of their own accept ${all.length} receipts and refuse ${refusals} changes of one; ` +
  "the reference receipt, made without us, has the same bytes");
