#pragma once
#include <grpcpp/support/server_callback.h>

#include <string>

#include "daemon/hub.h"
#include "daemon/reads.h"
#include "daemon/wire.h"

namespace carbond {

// ReadLogs: what a job's processes wrote, one process after the other, from
// `logs_dir`/JOB/PROCESS.out and .err. With `follow`, until the job is done and
// all is read: while a process lives its files are looked at five times a
// second, and in between the stream rests until something happens to the job.
struct LogsWanted {
  std::string logs_dir;
  JobId job{};
  bool follow = false;
  bool out = true;
  bool err = true;
};
grpc::ServerWriteReactor<v1::ReadLogsResponse>* StartLogs(Hub& hub,
                                                          Reads& reads,
                                                          LogsWanted wanted);

}  // namespace carbond
