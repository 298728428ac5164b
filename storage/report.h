#pragma once
// Sums of emissions by user, project, region, day. Private to storage/; throws
// as query.h says, inside the caller's transaction.

#include <vector>

#include "storage/connection.h"
#include "storage/ledger_reader.h"

namespace carbond {

std::vector<ReportRow> MakeReport(Connection& connection,
                                  const ReportFilter& filter);

}  // namespace carbond
