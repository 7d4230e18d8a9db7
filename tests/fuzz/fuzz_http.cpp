// A connection: any bytes, in any pieces, give whole answers, the same whatever the pieces were.
#include "app/server/exchange.hpp"
#include "app/server/form.hpp"
#include "harness.hpp"

using namespace sigillo;
using namespace sigillo::server;

namespace {

// Reads all that a service could read of a request, and answers with what it saw.
Response echo(const Request& request) {
  std::string seen = request.method + " " + request.path + "?" + request.query + "\n";
  if (const auto parts = read_form(request.content_type, request.body))
    for (const FormPart& part : *parts) {
      FUZZ_CHECK(part.content.size() <= request.body.size() && !part.name.empty());
      seen += part.name + "\n";
    }
  if (const auto values = read_query(request.query))
    for (const auto& [name, value] : *values) seen += name + "=" + value + "\n";
  seen += accepts(request.accept, "text/html") ? "yes" : "no";
  return {200, "text/plain", seen + std::string(request.body)};
}

std::string converse(std::string_view input, std::size_t piece) {
  static Metrics metrics({"/"});
  core::SeededEntropy entropy(1);
  Exchange exchange(echo, metrics, entropy);
  Connection connection(exchange, "192.0.2.1");
  std::string answers;
  while (!input.empty()) {
    connection.receive(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
    FUZZ_CHECK(connection.buffered_bytes() < (std::size_t{4} << 20));
    while (!connection.to_send().empty()) {
      answers += connection.to_send();
      connection.sent(connection.to_send().size());
    }
  }
  return answers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = core::as_text(core::ByteView(data, size));
  const std::string whole = converse(input, std::max<std::size_t>(size, 1));
  FUZZ_CHECK(whole.empty() || whole.starts_with("HTTP/1.1 "));
  // "100 Continue" is only said to a client that waits, so it depends on the pieces.
  if (whole.find("HTTP/1.1 100") == std::string::npos &&
      input.find("xpect") == std::string_view::npos && size < 4096)
    FUZZ_CHECK(converse(input, 7) == whole);
  return 0;
}
