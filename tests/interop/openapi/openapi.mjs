// Reads the API's description and talks to the server as it says: valid and invalid requests, generated. Each answer
// must have a status that is documented, a body that its schema allows (ajv judges), and never a 5xx.
// usage: openapi.mjs SIGILLO TINYLM CORPUS.txt OPENAPI.json SCRATCH [REQUESTS]
import { spawn, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";

const [sigillo, tinylm, corpus, description, scratch, requests = "4000"] = process.argv.slice(2);
let Ajv, addFormats;
try {
  Ajv = (await import("ajv/dist/2020.js")).default;
  addFormats = (await import("ajv-formats")).default;
} catch (error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.log("SKIPPED: ajv is not installed; run: npm install --prefix tests/interop");
  process.exit(77);
}
function check(condition, message) { if (!condition) throw new Error(message); }

const api = JSON.parse(readFileSync(description, "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(api, "api");
const resolve = (node) => (node.$ref ? resolve(node.$ref.slice(2).split("/").reduce((at, key) => at[key], api)) : node);
const judge = (schema) => ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')));

// The same requests in every run.
let state = 20261125n;
const below = (end) => {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number((state >> 33n) % BigInt(end));
};
const pick = (list) => list[below(list.length)];

rmSync(scratch, { recursive: true, force: true });
mkdirSync(path.join(scratch, "corpus"), { recursive: true });
writeFileSync(path.join(scratch, "corpus", "a.txt"), readFileSync(corpus));
const run = (program, ...args) => execFileSync(program, args, { cwd: scratch, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
run(sigillo, "--workspace", "w", "init", "--origin", "test.example/api", "--actor", "Tester");
run(sigillo, "--workspace", "w", "keys", "generate", "mark", "--algorithm", "watermark");
run(tinylm, "train", "--corpus", "corpus", "--output", "model", "--vocabulary", "500");
const token = run(sigillo, "--workspace", "w", "tokens", "create", "all", "--scope", "verify", "--scope", "records:write").trim();
const receipt = { receipt: run(sigillo, "--workspace", "w", "log", "prove", "0"), leaf_text: run(sigillo, "--workspace", "w", "log", "show", "0", "--raw"), log_key: run(sigillo, "--workspace", "w", "keys", "export", "log", "--format", "vkey").trim() };
const server = spawn(sigillo, ["--workspace", "w", "serve", "--publish-log", "--listen", "127.0.0.1:0", "--rate", "100", "--burst", "100", "--detector", "mark:vllm-gumbel:model/tokenizer.json"],
  { cwd: scratch, stdio: ["ignore", "pipe", "inherit"] });
const url = await new Promise((accept, reject) => {
  server.stdout.on("data", (data) => { const found = /listening on (\S+)/.exec(data); if (found) accept(found[1]); });
  server.on("exit", () => reject(new Error("the server ended")));
});
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const send = (method, target, headers, body) => new Promise((accept, reject) => {
  const request = http.request(url + target, { method, headers: { ...headers, ...(body === undefined ? {} : { "Content-Length": body.length }) }, agent }, (answer) => {
    const parts = [];
    answer.on("data", (part) => parts.push(part));
    answer.on("end", () => accept({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
  });
  request.on("error", reject);
  request.end(body);
});

// A value that a schema allows.
const letters = ["a", "Z", " ", "\n", "é", "中", "🙂", "\"", "\\", "<", "&", "\u0000"];
function text(length, from = letters.slice(0, -1)) { let out = ""; while (out.length < length) out += pick(from); return out; }
function make(schema) {
  schema = resolve(schema);
  if (schema.oneOf) return make(pick(schema.oneOf));
  if (schema.enum) return pick(schema.enum);
  switch (schema.type) {
    case "string": return text(Math.max(schema.minLength ?? 0, 1) + below(200));
    case "boolean": return below(2) === 1;
    case "integer": return (schema.minimum ?? 0) + below(1000);
    case "array": return Array.from({ length: (schema.minItems ?? 0) + below(3) }, () => make(schema.items));
    default: {
      const out = {};
      for (const [name, member] of Object.entries(schema.properties ?? {}))
        if ((schema.required ?? []).includes(name) || below(2)) out[name] = make(member);
      return out;
    }
  }
}
const role = () => ({ kind: "role-declaration", fields: { actor: `actor ${below(1000)}`, role: ["system_provider"], jurisdiction: ["EU"] } });
function encode(type, value) {
  if (type === "application/json") return [type, Buffer.from(JSON.stringify(value))];
  if (type === "text/plain") return [`${type}; charset=utf-8`, Buffer.from(value)];
  const fields = below(2) ? { text: text(200) } : { file: text(200), lang: pick(["en", "de", "fr"]) };
  const parts = Object.entries(fields).map(([name, content]) => `--b\r\nContent-Disposition: form-data; name="${name}"${name === "file" ? '; filename="a"' : ""}\r\n\r\n${content}\r\n`);
  return ["multipart/form-data; boundary=b", Buffer.from(parts.join("") + "--b--\r\n")];
}
// A receipt that holds, or one of another entry; both are questions that have an answer.
function proof() {
  const { leaf_text, ...rest } = receipt;
  const entry = below(2) ? leaf_text : text(50);
  return below(2) ? { ...rest, leaf_text: entry } : { ...rest, leaf: Buffer.from(entry).toString("base64") };
}
// Something that breaks a request in one place.
const breaks = [
  (r) => { r.method = pick(["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"]); },
  (r) => { r.target += pick(["/x", "x", "%2e%2e", "?nosuch=1", "?a=1&a=2", "?%", `?${"q".repeat(3000)}`, "a".repeat(600)]); },
  (r) => { r.headers["Content-Type"] = pick(["image/png", "application/xml", "text/plain; charset=utf-16", "multipart/form-data", "", "a/b"]); },
  (r) => { r.headers.Accept = pick(["image/png", "text/html;q=0", "x", "application/xml, text/csv"]); },
  (r) => { r.headers["Content-Encoding"] = pick(["gzip", "br", "x"]); },
  (r) => { r.headers.Authorization = pick(["Bearer nosuch", `Bearer sgl_00000000_${"0".repeat(64)}`, "Basic YTpi", "Bearer"]); },
  (r) => { r.headers.Expect = "tea"; },
  (r) => { r.headers["X-Long"] = "x".repeat(20000); },
  (r) => { if (r.body && r.body.length) r.body = r.body.subarray(0, below(r.body.length)); },
  (r) => { if (r.body && r.body.length) { r.body = Buffer.from(r.body); r.body[below(r.body.length)] = below(256); } },
  (r) => { if (r.body) r.body = Buffer.alloc(pick([0, 262145, 524289]), 97); },
  (r) => { if (r.body) r.body = Buffer.from(pick(["null", "[]", "{}", "{", '{"text":1}', '{"text":"a","text":"b"}', '{"text":"\\ud800"}', "[".repeat(5000), '{"text":"a","extra":1}', '{"kind":"genesis","fields":{}}', '{"kind":"placement","fields":{"x":1}}', '{"payloadType":"x"}', JSON.stringify({ ...receipt, log_key: "none" }), JSON.stringify({ ...receipt, roots: "none" })])); },
];

const seen = new Map();
const proofs = new Set();
const operations = Object.entries(api.paths).flatMap(([target, methods]) => Object.entries(methods).map(([method, operation]) => ({ target, method: method.toUpperCase(), operation })));
const judges = new Map();
function examine(request, answer, operation, valid) {
  const what = `${request.method} ${request.target.slice(0, 80)} -> ${answer.status} ${answer.body.toString().slice(0, 300)}`;
  check(answer.status < 500 || answer.status === 505, `a failure of the server: ${what}`);
  const type = (answer.headers["content-type"] ?? "").split(";")[0];
  const documented = resolve(operation.responses[answer.status] ?? operation.responses.default);
  const content = documented.content[type] ?? (answer.status >= 400 ? resolve(operation.responses.default).content[type] : undefined);
  check(content, `a media type that is not documented: ${type}: ${what}`);
  const key = JSON.stringify(content.schema);
  if (!judges.has(key)) judges.set(key, judge(content.schema));
  const value = type.endsWith("json") ? JSON.parse(answer.body) : answer.body.toString();
  check(judges.get(key)(value), `the schema does not allow it: ${JSON.stringify(judges.get(key).errors)}: ${what}`);
  if (type === "application/problem+json") check(value.status === answer.status, `two statuses: ${what}`);
  check(answer.headers["x-content-type-options"] === "nosniff" && answer.headers["content-security-policy"], `a field is missing: ${what}`);
  if (valid) check(answer.status < 300, `a valid request is refused: ${what}`);
  if (typeof value.verified === "boolean") proofs.add(value.verified);
  const label = `${operation.operationId} ${answer.status}`;
  seen.set(label, (seen.get(label) ?? 0) + 1);
}
try {
  for (let i = 0; i < Number(requests); ++i) {
    const { target, method, operation } = pick(operations);
    const request = { method, target, headers: { Authorization: `Bearer ${token}`, Connection: "keep-alive" }, body: undefined };
    for (const parameter of operation.parameters ?? []) {
      if (parameter.in === "path") request.target = request.target.replace(`{${parameter.name}}`, pick(parameter.schema.examples));
      else if (below(2)) request.target += `?${parameter.name}=${make(parameter.schema)}`;
    }
    if (operation.requestBody) {
      const [type, media] = pick(Object.entries(operation.requestBody.content));
      const value = operation.operationId === "appendRecord" ? role() : operation.operationId === "verifyProof" ? proof() : make(media.schema);
      [request.headers["Content-Type"], request.body] = encode(type, value);
    }
    // Appending is durable and therefore slow.
    if (operation.operationId === "appendRecord" && below(2)) delete request.headers.Authorization;
    const valid = below(3) === 0 && request.headers.Authorization !== undefined;
    if (!valid) for (let n = 1 + below(2); n > 0; --n) pick(breaks)(request);
    if (["PUT", "PATCH"].includes(request.method) && !request.body) request.body = Buffer.alloc(0);
    examine(request, await send(request.method, request.target, request.headers, request.body), operation, valid);
  }
  // What was not seen was not tested.
  for (const { operation } of operations) check([...seen.keys()].some((k) => k === `${operation.operationId} 200` || k === `${operation.operationId} 201`), `${operation.operationId} never succeeded`);
  for (const label of ["verify 400", "verify 401", "verify 406", "verify 413", "verify 415", "verify 422", "verifyProof 400", "verifyProof 413", "verifyProof 415", "verifyProof 422", "appendRecord 401", "appendRecord 422", "health 405", "page 404", "tile 400", "tile 404"]) check(seen.has(label), `${label} was never seen: ${[...seen.keys()]}`);
  for (const answer of [true, false]) check(proofs.has(answer), `no proof was answered ${answer}`);
  run(sigillo, "--workspace", "w", "log", "fsck");
  console.log(`${requests} requests, ${seen.size} kinds of answer, none undocumented, no 5xx`);
} finally {
  agent.destroy();
  server.removeAllListeners("exit");
  server.kill();
}
