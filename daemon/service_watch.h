#pragma once
// WatchJobs: first what is, then `caught_up`, then what happens.

#include <grpcpp/support/server_callback.h>

#include <vector>

#include "daemon/hub.h"
#include "daemon/reads.h"
#include "daemon/wire.h"

namespace carbond {

// Nothing is missed and nothing told twice between what is and what happens:
// the stream subscribes first and reads then, and drops what it has read of.
// Ends by itself when all the jobs named are done.
grpc::ServerWriteReactor<v1::WatchJobsResponse>* StartWatch(
    Hub& hub, Reads& reads, double clock_speed, std::vector<JobId> jobs);

}  // namespace carbond
