// One rule in a sandbox. Private to the engine.
#pragma once

#include "policies/engine/sandbox.hpp"
#include "sigillo/policy/verdict.hpp"

namespace sigillo::policy {

// The rule's parameters and :as_of.
[[nodiscard]] std::map<std::string, Param> parameters_of(const Rule& rule,
                                                         const std::string& as_of);

// judge_rule gives every subject exactly one status. What is wrong with the rule becomes `error`;
// nothing is returned as Error.
[[nodiscard]] RuleVerdict judge_rule(const Rule& rule, Sandbox& sandbox, const std::string& as_of);

}  // namespace sigillo::policy
