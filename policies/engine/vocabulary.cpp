#include "sigillo/policy/pack.hpp"

namespace sigillo::policy {

std::string_view to_string(Status status) {
  switch (status) {
#define SIGILLO_X(name) \
  case Status::name:    \
    return #name;
    SIGILLO_POLICY_STATUSES(SIGILLO_X)
#undef SIGILLO_X
  }
  SIGILLO_CHECK(false);
  return "";
}

core::Result<Status> status_from_string(std::string_view text) {
#define SIGILLO_X(name) \
  if (text == #name) return Status::name;
  SIGILLO_POLICY_STATUSES(SIGILLO_X)
#undef SIGILLO_X
  return core::Error{core::ErrorCode::invalid_input, "unknown status \"" + std::string(text) + "\"",
                     "use pass, fail, error, no_evidence, not_applicable, not_yet_due or manual"};
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::low:
      return "low";
    case Severity::medium:
      return "medium";
    case Severity::high:
      return "high";
    case Severity::critical:
      return "critical";
  }
  SIGILLO_CHECK(false);
  return "";
}

std::string_view to_string(Enforcement enforcement) {
  return enforcement == Enforcement::mandatory ? "mandatory" : "advisory";
}

std::string_view to_string(Level level) {
  switch (level) {
    case Level::will:
      return "will";
    case Level::encouraged:
      return "encouraged";
    case Level::may:
      return "may";
    case Level::law:
      return "law";
  }
  SIGILLO_CHECK(false);
  return "";
}

std::string_view to_string(CaseKind kind) {
  switch (kind) {
    case CaseKind::pass:
      return "pass";
    case CaseKind::fail:
      return "fail";
    case CaseKind::empty:
      return "empty";
    case CaseKind::boundary:
      return "boundary";
    case CaseKind::null:
      return "null";
    case CaseKind::other:
      return "other";
  }
  SIGILLO_CHECK(false);
  return "";
}

}  // namespace sigillo::policy
