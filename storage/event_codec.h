#pragma once
// Facts, specs and plans as the JSON in which the ledger keeps them. Old
// ledgers must keep opening: fields are added, never renamed; a field at its
// default is left out. Field names end in their unit (_ms, _mw, _mwh, _mg).

#include <string>

#include "scheduler/lifecycle.h"
#include "scheduler/ports.h"

namespace carbond {

std::string EncodeFact(const Fact& fact);
Result<Fact> DecodeFact(const std::string& name, const std::string& json);
std::string EncodeSpec(const JobSpec& spec);
Result<JobSpec> DecodeSpec(const std::string& json);
std::string EncodePlan(const JobPlan& plan);
Result<JobPlan> DecodePlan(const std::string& json);

}  // namespace carbond
