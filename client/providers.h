#pragma once
// `carbonctl providers`: where grid data come from, as a page for people.

#include <carbond/v1/carbond.pb.h>

#include <string>

#include "client/console.h"

namespace carbond::client {

std::string ProvidersPage(const v1::ListProvidersResponse& answer,
                          const Look& look);

}  // namespace carbond::client
