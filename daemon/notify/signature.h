#pragma once
// Signs what is sent as Standard Webhooks has it, so that a receiver can check
// it with a library that exists for its language.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

#include <string>

#include "daemon/secret.h"

namespace carbond {

// The key within a secret `whsec_BASE64`, of 24 to 64 bytes as the standard
// asks. Refused, saying how to make a good one.
Result<Secret> SigningKey(const Secret& secret);

// The header webhook-signature: "v1," and the HMAC-SHA256 of ID.TIMESTAMP.BODY,
// in base64.
std::string SignatureOf(const Secret& key, const std::string& id,
                        int64_t timestamp_s, const std::string& body);

}  // namespace carbond
