#pragma once
#include <grpcpp/support/server_callback.h>

#include <functional>
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
// The stream waits until `begin` is called, once, from any thread: with the
// only user whose jobs it may show, empty for any, or with why it shows none.
struct LogsBeginning {
  grpc::ServerWriteReactor<v1::ReadLogsResponse>* reactor;
  std::function<void(Result<std::string> only_of)> begin;
};
LogsBeginning PrepareLogs(Hub& hub, Reads& reads, LogsWanted wanted);

}  // namespace carbond
