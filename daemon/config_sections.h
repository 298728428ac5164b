#pragma once
// The larger parts of carbond.yaml, each read by its own function.

#include "daemon/config_reader.h"

namespace carbond {

// `providers:`, a map of name to settings. A provider with a mistake in it is
// left out.
std::vector<ProviderConfig> ReadProviders(ConfigFile& file, ConfigMap& top);

// Whether a provider could be asked for a zone of that name. `named`: the file
// names it; otherwise it is the provider's own name, which only a recording
// takes.
Status CheckZone(const ProviderConfig& provider, const std::string& zone,
                 bool named);

// `regions:`, a list. `top` is asked for the names of providers as they stand
// in the file, so that one with a mistake in it is not called unknown as well.
std::vector<RegionConfig> ReadRegions(
    ConfigFile& file, ConfigMap& top,
    const std::vector<ProviderConfig>& providers);

// `notify:`, a list of those who are told.
std::vector<NotifyConfig> ReadNotify(ConfigFile& file, ConfigMap& top);

// `WHAT_env` or `WHAT_file`; one of the two must be there, and never `WHAT`.
void ReadSecretPlace(ConfigMap& map, const std::string& what,
                     SecretPlace& place);
// A path of a file that must be there.
void ReadDataFile(ConfigMap& map, const std::string& key, std::string& path);
// Whether the host of `host:port` is this machine, and nobody between.
bool IsLoopback(const std::string& authority);

// A map under a key of the file; an absent one reads as empty.
ConfigMap Section(ConfigFile& file, ConfigMap& top, const std::string& key);

// `transfer:`, what moving a job's data takes.
void ReadTransfer(ConfigFile& file, ConfigMap& top, TransferCost& transfer);

// `meter:`, of all regions and of one.
void ReadMeter(ConfigFile& file, ConfigMap& top, MeterConfig& meter);
void ReadRegionMeter(ConfigFile& file, ConfigMap& map, RegionConfig& region);

// `slurm:`, of all regions that are clusters.
void ReadSlurm(ConfigFile& file, ConfigMap& top, SlurmConfig& slurm);
// `users:`, who may do what; `as_submitter`: they have to prove who they are.
void ReadUsers(ConfigFile& file, ConfigMap& top, UsersConfig& users,
               bool as_submitter);
// All regions keep what run_as promises.
void CheckOneIdentity(ConfigFile& file, const Config& config);

// `capacity:` of a region; unchanged where it is absent.
void ReadCapacity(ConfigFile& file, ConfigMap& map, Region& region);

}  // namespace carbond
