// A time-stamping authority on this machine, made by the openssl command: an independent signer of
// what we verify, and an independent judge of it.
#pragma once

#include "sigillo/core/files.hpp"
#include "sigillo/core/time_stamp.hpp"
#include "tests/unit/audit/fixture.hpp"

namespace fixture {

class Authority {
 public:
  explicit Authority(std::string_view name = "Test TSA") {
    write(file("tsa.cnf"), kConfiguration);
    write(file("index.txt"), "");
    write(file("serial"), "01\n");
    sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
       "-keyout ca.key -out ca.pem -subj '/CN=Test root'");
    certify("tsa", name, "time_stamping", "20200101000000Z", "20400101000000Z");
  }

  // Makes NAME.pem and NAME.key.
  void certify(const std::string& name, std::string_view subject, std::string_view extensions,
               std::string_view from, std::string_view to) {
    sh(
        fmt::format("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                    "-keyout {0}.key -out {0}.csr -subj '/CN={1}' && "
                    "openssl ca -batch -notext -config tsa.cnf -in {0}.csr -cert ca.pem "
                    "-keyfile ca.key -extensions {2} -startdate {3} -enddate {4} -out {0}.pem",
                    name, subject, extensions, from, to));
  }

  // What the authority answers.
  core::Bytes answer(core::ByteView query, const std::string& signer = "tsa") {
    write(file("query.tsq"), core::as_text(query));
    sh(
        fmt::format("openssl ts -reply -config tsa.cnf -queryfile query.tsq -signer {0}.pem "
                    "-inkey {0}.key -out answer.tsr",
                    signer));
    return bytes("answer.tsr");
  }

  // The same statement, signed with a certificate that `openssl ts` itself refuses to use.
  core::Bytes resigned(core::ByteView response, const std::string& signer,
                       std::string_view digest = "sha256") {
    write(file("good.tsr"), core::as_text(response));
    sh(fmt::format(
        "openssl ts -reply -in good.tsr -token_out -out good.tok && "
        "openssl cms -verify -inform DER -in good.tok -noverify -binary -out info.der && "
        "openssl cms -sign -binary -nodetach -nosmimecap -cades -md {1} "
        "-econtent_type 1.2.840.113549.1.9.16.1.4 -in info.der -signer {0}.pem -inkey {0}.key "
        "-outform DER -out new.tok",
        signer, digest));
    core::Bytes body{0x30, 0x03, 0x02, 0x01, 0x00};  // status granted
    const core::Bytes token = bytes("new.tok");
    body.insert(body.end(), token.begin(), token.end());
    core::Bytes whole{0x30, 0x82};
    core::append_u16(whole, static_cast<std::uint16_t>(body.size()));
    whole.insert(whole.end(), body.begin(), body.end());
    return whole;
  }

  // Does `openssl ts -verify` accept it for these bytes?
  bool openssl_accepts(core::ByteView response, std::string_view data) {
    write(file("judged.tsr"), core::as_text(response));
    write(file("judged.data"), data);
    return run("openssl ts -verify -in judged.tsr -data judged.data -CAfile ca.pem");
  }

  [[nodiscard]] core::TimeStampRoots roots() const {
    return value(core::TimeStampRoots::from_pem(read(file("ca.pem"))));
  }
  [[nodiscard]] fs::path file(std::string_view name) const { return temp_.path() / name; }

 private:
  static constexpr std::string_view kConfiguration = R"([ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = names
unique_subject = no
[names]
commonName = supplied
[time_stamping]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[no_usage]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
[not_critical]
keyUsage = critical,digitalSignature
extendedKeyUsage = timeStamping
[tsa]
default_tsa = answers
[answers]
serial = ./serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500
ess_cert_id_alg = sha256
)";
  bool run(const std::string& command) const {
    return std::system(fmt::format("cd '{}' && ({}) >> log 2>&1", temp_.path().string(), command)
                           .c_str()) == 0;
  }
  void sh(const std::string& command) const {
    const bool done = run(command);
    INFO(command << "\n" << read(file("log")));
    REQUIRE(done);
  }
  [[nodiscard]] core::Bytes bytes(std::string_view name) const {
    return value(core::read_file(file(name), std::size_t{1} << 20));
  }
  TempFolder temp_;
};

}  // namespace fixture
