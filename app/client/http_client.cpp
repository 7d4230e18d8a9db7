#include "app/client/http_client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <memory>
#include <mutex>

namespace sigillo::client {
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

constexpr std::size_t kMaxHeadBytes = std::size_t{64} << 10;

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// What arrives; too much of it ends the transfer.
struct Incoming {
  std::string body;
  std::size_t head_bytes = 0;
  std::size_t max_body_bytes = 0;
  bool too_large = false;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& incoming = *static_cast<Incoming*>(context);
  const std::size_t bytes = size * count;
  incoming.too_large = bytes > incoming.max_body_bytes - incoming.body.size();
  if (incoming.too_large) return 0;
  incoming.body.append(data, bytes);
  return bytes;
}

std::size_t count_head(char* /*data*/, std::size_t size, std::size_t count, void* context) {
  auto& incoming = *static_cast<Incoming*>(context);
  incoming.head_bytes += size * count;
  incoming.too_large = incoming.head_bytes > kMaxHeadBytes;
  return incoming.too_large ? 0 : size * count;
}

void initialize_once() {
  static std::once_flag once;
  std::call_once(once, [] { SIGILLO_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

// The options are a table of the library's own types: a wrong one is a bug of ours.
template <class T>
void set(CURL* handle, CURLoption option, T value) {
  SIGILLO_CHECK(curl_easy_setopt(handle, option, value) == CURLE_OK);
}

}  // namespace

Status check_http_url(const std::string& url) {
  const Error bad{ErrorCode::invalid_argument, fmt::format("\"{}\" is no URL of a server", url),
                  "give http:// or https://, a host and perhaps a path; no user, query or "
                  "fragment"};
  // curl takes a third slash for a slip of the pen, and what follows it for the host.
  const std::size_t slashes = url.find("://");
  if (slashes == std::string::npos || url.compare(slashes + 3, 1, "/") == 0) return bad;
  initialize_once();
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  SIGILLO_CHECK(parsed != nullptr);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return bad;
  const auto part = [&](CURLUPart what) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), what, &text, 0) != CURLUE_OK) return std::string();
    std::string copy(text);
    curl_free(text);
    return copy;
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  if ((scheme != "http" && scheme != "https") || part(CURLUPART_HOST).empty()) return bad;
  for (const CURLUPart what :
       {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT})
    if (!part(what).empty()) return bad;
  return {};
}

Result<HttpAnswer> http_post(const HttpPost& post) {
  SIGILLO_TRY_VOID(check_http_url(post.url));
  const std::unique_ptr<CURL, FreeEasy> handle(curl_easy_init());
  SIGILLO_CHECK(handle != nullptr);
  CURL* const curl = handle.get();
  Incoming incoming;
  incoming.max_body_bytes = post.max_answer_bytes;
  std::array<char, CURL_ERROR_SIZE> reason{};
  // Without "Expect:" a server that knows no 100-continue would cost a second of waiting.
  const std::unique_ptr<curl_slist, FreeList> type_field(
      curl_slist_append(nullptr, fmt::format("Content-Type: {}", post.content_type).c_str()));
  SIGILLO_CHECK(type_field != nullptr && curl_slist_append(type_field.get(), "Expect:") != nullptr);

  set(curl, CURLOPT_URL, post.url.c_str());
  set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  set(curl, CURLOPT_FOLLOWLOCATION, 0L);
  set(curl, CURLOPT_NOSIGNAL, 1L);  // threads: no alarm for look-ups
  set(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(post.timeout.count()));
  set(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(post.timeout.count()));
  set(curl, CURLOPT_POSTFIELDS, post.body.data());
  set(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
  set(curl, CURLOPT_HTTPHEADER, type_field.get());
  set(curl, CURLOPT_USERAGENT, "sigillo/" SIGILLO_VERSION);
  set(curl, CURLOPT_WRITEFUNCTION, &take_body);
  set(curl, CURLOPT_WRITEDATA, static_cast<void*>(&incoming));
  set(curl, CURLOPT_HEADERFUNCTION, &count_head);
  set(curl, CURLOPT_HEADERDATA, static_cast<void*>(&incoming));
  set(curl, CURLOPT_ERRORBUFFER, reason.data());
  const CURLcode code = curl_easy_perform(curl);
  if (incoming.too_large)
    return Error{ErrorCode::input_too_large,
                 fmt::format("{} answers with more than {} bytes", post.url, post.max_answer_bytes),
                 "check that the URL is that of the server that was meant"};
  if (code != CURLE_OK)
    return Error{ErrorCode::io_error,
                 fmt::format("{} does not answer: {}", post.url,
                             reason[0] != '\0' ? reason.data() : curl_easy_strerror(code)),
                 "check the URL, the network and the server, then try again"};
  HttpAnswer answer;
  long status = 0;
  const char* content_type = nullptr;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &content_type);
  answer.status = static_cast<int>(status);
  answer.content_type = content_type != nullptr ? content_type : "";
  answer.body = std::move(incoming.body);
  return answer;
}

}  // namespace sigillo::client
