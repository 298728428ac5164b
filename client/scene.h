#pragma once
// From a job, a plan or a forecast to the picture of it: which hours to draw,
// and which to mark.

#include <carbond/v1/carbond.pb.h>

#include "client/picture.h"

namespace carbond::client {

// The hours among which the plan chose.
Picture PictureOf(const v1::PlanJobResponse& planned);

// From submission to finish or deadline, as far as the daemon sent intensities.
Picture PictureOf(const v1::Job& job);

// The forecast with some hours of what was observed before it.
Picture PictureOf(const v1::Forecast& forecast);

}  // namespace carbond::client
