#pragma once
// `carbonctl providers`: where grid data come from, for people and as JSON.

#include <string>

#include "client/console.h"
#include "client/json_out.h"

namespace carbond::client {

std::string ProvidersPage(const v1::ListProvidersResponse& answer,
                          const Look& look);
Json ToJson(const v1::Provider& provider);

}  // namespace carbond::client
