#include "storage/settings.h"

#include "storage/query.h"

namespace carbond {

void StoreSetting(Connection& connection, const std::string& key,
                  const std::string& value) {
  Query(connection,
        "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", key,
        value)
      .Run();
}

std::optional<std::string> SettingOf(Connection& connection,
                                     const std::string& key) {
  Query row(connection, "SELECT value FROM settings WHERE key = ?", key);
  if (!row.Step()) return std::nullopt;
  std::string value;
  row.Read(value);
  return value;
}

}  // namespace carbond
