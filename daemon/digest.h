#pragma once
#include <string>
#include <string_view>

namespace carbond {

// 128 bits of MurmurHash3 (x64 variant, seed 0), as 32 hexadecimal digits. It
// tells a repeated request from one with other content. That needs a stable
// hash that does not collide by chance, not a secret one: a client that forged
// a collision would only cheat itself, so no cryptography is linked for it.
std::string Digest128(std::string_view bytes);

}  // namespace carbond
