#pragma once
// The clock a ledger was begun with. A demonstration's clock runs faster than
// the machine's, from an anchor that must be the same after a restart, since
// the ledger's instants are its.

#include "daemon/clock.h"
#include "daemon/config.h"
#include "storage/sqlite_ledger.h"

namespace carbond {

struct LedgerClock {
  SystemClock clock;
  // The first instant of this ledger: what is replayed "as if it began now" is
  // laid on its day.
  Instant began_at;
};

// Goes on with the ledger's clock, or begins it at `real_now`. Another speed
// above 1 goes on from where the clock stands. Refused: speed 1 for a ledger
// of a demonstration and the other way round.
Result<LedgerClock> OpenLedgerClock(SqliteLedger& ledger,
                                    const ClockConfig& config,
                                    Instant real_now);

}  // namespace carbond
