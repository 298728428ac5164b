#pragma once
// What the outside hands us as text need not be UTF-8; what the ledger keeps
// must be, or it could not be read again. Private to storage/.

#include <string>
#include <string_view>

namespace carbond {

bool IsUtf8(std::string_view text);

// Each byte that is not part of a well-formed character becomes U+FFFD.
std::string ValidUtf8(std::string_view text);

// The length of the well-formed character that a non-empty text begins with,
// or 0.
size_t CharacterLength(std::string_view text);

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

}  // namespace carbond
