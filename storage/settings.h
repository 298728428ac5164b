#pragma once
// Small facts about the ledger itself, by key. Private to storage/; throws as
// query.h says, inside the caller's transaction.

#include <optional>
#include <string>

#include "storage/connection.h"

namespace carbond {

void StoreSetting(Connection& connection, const std::string& key,
                  const std::string& value);
std::optional<std::string> SettingOf(Connection& connection,
                                     const std::string& key);

}  // namespace carbond
