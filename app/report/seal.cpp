#include "app/report/seal.hpp"

#include <fmt/format.h>

#include "app/report/html.hpp"

namespace sigillo::report {
namespace {

using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;

constexpr std::string_view kEvidenceOpen = "<script type=\"application/json\" id=\"evidence\">";
constexpr std::string_view kSealOpen = "<script type=\"application/json\" id=\"seal\">";
constexpr std::string_view kClose = "</script>";

// A "<" could end the script element or begin a comment in it. In JSON it stands in strings only.
std::string embedded(std::string_view json) {
  std::string out;
  for (const char c : json) {
    if (c == '<') out += "\\u003c";
    else out += c;
  }
  return out;
}
// The exact signed bytes again. A backslash and what follows it are one escape: "\\u003c" stays.
std::string extracted(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t used = 1;
    if (text.starts_with("\\u003c")) {
      out += '<';
      used = 6;
    } else {
      used = text[0] == '\\' && text.size() > 1 ? 2 : 1;
      out += text.substr(0, used);
    }
    text.remove_prefix(used);
  }
  return out;
}

struct Span {
  std::size_t begin = 0, end = 0;
};
// The content of the one element that opens with `open`.
Result<Span> content_of(std::string_view page, std::string_view open) {
  const std::size_t at = page.find(open);
  const std::size_t begin = at + open.size();
  const std::size_t end = at == std::string_view::npos ? at : page.find(kClose, begin);
  if (end == std::string_view::npos || page.find(open, begin) != std::string_view::npos)
    return Error{ErrorCode::invalid_input, "this file is no report: it has not one signed part",
                 "give a file that `sigillo report` wrote"};
  return Span{begin, end};
}

Error altered(std::string message) {
  return Error{ErrorCode::signature_invalid, std::move(message),
               "do not rely on this file: ask whoever signed it for theirs"};
}

// The seal has one form, so that a change in it is found wherever it is.
Result<std::string> seal_text(const core::PublicKey& key, core::ByteView signature) {
  return core::canonical_json(Json{{"payloadType", kReportPayloadType},
                                   {"keyid", key.id().hex()},
                                   {"public_key", core::base64_encode(key.spki_der())},
                                   {"sig", core::base64_encode(signature)}});
}

Result<std::string> text_member(const Json& object, std::string_view name) {
  return core::json_string(object, name, "the report's seal");
}

std::string structure_digest(std::string_view page) {
  return core::sha256(page_structure(page, {"evidence", "seal"})).hex();
}

}  // namespace

Result<std::string> seal_page(const std::string& page, Json content, const core::PrivateKey& key) {
  if (key.public_key().algorithm() != core::KeyAlgorithm::ed25519)
    return Error{ErrorCode::unsupported, "a report is signed with an Ed25519 key",
                 "name an ed25519 key as the workspace's record key"};
  content["signed_by"] = key.public_key().id().hex();
  content["page_sha256"] = core::sha256(page).hex();
  content["structure_sha256"] = structure_digest(page);
  SIGILLO_TRY(const std::string payload, core::canonical_json(content));
  SIGILLO_TRY(const core::Envelope envelope,
              core::sign_envelope(kReportPayloadType, core::as_bytes(payload), key));
  SIGILLO_TRY(const std::string seal,
              seal_text(key.public_key(), envelope.signatures.at(0).signature));
  std::string out = page;
  SIGILLO_TRY(const Span seal_place, content_of(out, kSealOpen));
  out.insert(seal_place.begin, embedded(seal));
  SIGILLO_TRY(const Span evidence_place, content_of(out, kEvidenceOpen));
  out.insert(evidence_place.begin, embedded(payload));
  return out;
}

Result<SealedReport> open_report(std::string_view file) {
  if (file.size() > kMaxReportBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a report has at most {} bytes", kMaxReportBytes), ""};
  SIGILLO_TRY(const Span evidence, content_of(file, kEvidenceOpen));
  SIGILLO_TRY(const Span seal, content_of(file, kSealOpen));
  if (seal.begin < evidence.end) return altered("the parts of the report are not in their order");
  const std::string_view shown = file.substr(evidence.begin, evidence.end - evidence.begin);
  const std::string payload = extracted(shown);
  // One form: a raw "<" reads alike here, but may end the element in a browser.
  if (shown != embedded(payload)) return altered("the evidence is not written in its one form");
  SIGILLO_TRY(const Json said,
              core::parse_json(extracted(file.substr(seal.begin, seal.end - seal.begin))));
  SIGILLO_TRY(const std::string key_text, text_member(said, "public_key"));
  SIGILLO_TRY(const std::string signature_text, text_member(said, "sig"));
  SIGILLO_TRY(const core::Bytes der, core::base64_decode(key_text));
  SIGILLO_TRY(core::PublicKey key, core::PublicKey::from_spki_der(der));
  SIGILLO_TRY(const core::Bytes signature, core::base64_decode(signature_text));
  SIGILLO_TRY(const std::string expected_seal, seal_text(key, signature));
  if (file.substr(seal.begin, seal.end - seal.begin) != embedded(expected_seal) ||
      !key.verify(core::dsse_pae(kReportPayloadType, core::as_bytes(payload)), signature)
           .has_value())
    return altered("the signature does not hold for the evidence in this file");
  SIGILLO_TRY(Json content, core::parse_canonical_json(payload));
  SIGILLO_TRY(const std::string signed_by, text_member(content, "signed_by"));
  SIGILLO_TRY(const std::string page_digest, text_member(content, "page_sha256"));
  if (key.id().hex() != signed_by)
    return altered("the key in this file is not the one that the signed part names");
  std::string page(file);
  page.erase(seal.begin, seal.end - seal.begin)
      .erase(evidence.begin, evidence.end - evidence.begin);
  if (core::sha256(page).hex() != page_digest)
    return altered("the page was altered: what it shows is not what was signed");
  return SealedReport{std::move(content), std::move(key)};
}

std::string_view check_script() {
  return R"JS((async()=>{
const out=document.getElementById('check');
const tell=(ok,text)=>{out.className=ok?'check ok':'check bad';out.textContent=text};
const refuse=why=>tell(false,'NOT verified: '+why+' Do not rely on this page.');
try{
if(!globalThis.crypto||!crypto.subtle)return tell(false,'NOT checked: this browser offers no cryptography for this page. Use sigillo report verify.');
const evidence=document.getElementById('evidence'),seal=document.getElementById('seal');
const line=s=>s.replaceAll('\\','\\\\').replaceAll('\n','\\n');
const parts=[];
const walk=node=>{
if(node.nodeType===3){const before=node.previousSibling;parts.push(before&&before.nodeType===3?'':'\nt',line(node.data));return}
if(node.nodeType!==1||node.shadowRoot)throw new Error('it holds what no report holds.');
parts.push('\n(',node.localName);
for(const a of node.attributes)if(a.name!=='open')parts.push('\na',a.name,'=',line(a.value));
if(node!==evidence&&node!==seal)for(const child of node.childNodes)walk(child);
parts.push('\n)')};
walk(document.documentElement);
// A closed shadow tree is not seen from here, but what it takes the place of is not shown.
for(const shown of document.querySelectorAll('main,h1,h2'))if(!shown.getClientRects().length)throw new Error('a part of it is not shown.');
const utf8=new TextEncoder();
const sha=async bytes=>Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256',bytes)),b=>b.toString(16).padStart(2,'0')).join('');
const base64=text=>Uint8Array.from(atob(text),c=>c.charCodeAt(0));
const payload=evidence.textContent.replace(/\\(u003c|[^])/g,(all,c)=>c==='u003c'?'<':all);
const said=JSON.parse(seal.textContent),content=JSON.parse(payload);
const spki=base64(said.public_key),body=utf8.encode(payload),type=said.payloadType;
if(type!=='application/vnd.sigillo.report+json')return refuse('it is signed as something else.');
const head=utf8.encode('DSSEv1 '+type.length+' '+type+' '+body.length+' ');
const message=new Uint8Array(head.length+body.length);message.set(head);message.set(body,head.length);
let key;
try{key=await crypto.subtle.importKey('spki',spki,{name:'Ed25519'},false,['verify'])}catch(e){
return tell(false,'NOT checked: this browser does not know Ed25519. Use sigillo report verify.')}
if(!await crypto.subtle.verify({name:'Ed25519'},key,base64(said.sig),message))return refuse('the signature does not hold for the evidence in this page.');
if(await sha(spki)!==content.signed_by||said.keyid!==content.signed_by)return refuse('the key in this page is not the one that was signed.');
if(await sha(utf8.encode(parts.join('')))!==content.structure_sha256)return refuse('what this page shows is not what was signed.');
tell(true,'Verified here, in your browser: what this page shows is what key '+content.signed_by.slice(0,16)+'\u2026 signed. Whose key that is, the page cannot prove: compare the whole fingerprint with one that you have from elsewhere.');
}catch(e){refuse('the signed part cannot be read, or '+e.message)}
})();)JS";
}

}  // namespace sigillo::report
