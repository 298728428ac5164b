#pragma once
#include <grpcpp/support/server_callback.h>

#include <vector>

#include "daemon/hub.h"
#include "daemon/reads.h"
#include "daemon/wire.h"

namespace carbond {

// WaitJobs: fills `response` and finishes when all the jobs, at least one, are
// done; at once with NOT_FOUND when one does not exist. A client that goes away
// frees it.
grpc::ServerUnaryReactor* StartWait(Hub& hub, Reads& reads, double clock_speed,
                                    std::vector<JobId> jobs,
                                    v1::WaitJobsResponse* response);

}  // namespace carbond
