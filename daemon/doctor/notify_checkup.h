#pragma once
// Looks whether those who are to be told could be, and tells them nothing.

#include "daemon/config.h"
#include "daemon/doctor/finding.h"

namespace carbond {

// A command: is it there? A webhook: is its secret a good one, and does the
// address answer? It is asked with a GET, which no webhook takes for a notice.
Findings CheckUpReceiver(const Config& config, const NotifyConfig& notify);

}  // namespace carbond
