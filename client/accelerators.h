#pragma once
// What processors draw, by their names: deploy/data/accelerators.json, which is
// built in.

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace carbond::client {

struct Accelerator {
  std::string name;  // "A100 PCIe"
  // Thermal design power of the chip alone, as ML CO2 Impact lists it.
  std::optional<double> tdp_w;
  // Of the whole system for each accelerator, as measured (Patterson et al.
  // 2021, table 3).
  std::optional<double> system_w;
  std::string note;  // empty: none
};

const std::vector<Accelerator>& Accelerators();

// By its name, whatever its case, spaces and dashes, with or without NVIDIA's
// `Tesla`; else refused, with the nearest name.
absl::StatusOr<Accelerator> FindAccelerator(const std::string& name);

}  // namespace carbond::client
