// PNG and JPEG files as red, green and blue bytes. What a file is, its content says, not its name.
#pragma once

#include <cstdint>
#include <string>

#include "netwright/data/resize.h"

namespace netwright {

// Whether the name ends in .png, .jpg or .jpeg, in any case.
bool has_image_extension(const std::string& name);

// Decodes a file. Grey pictures become three equal channels; transparent pixels are laid on black; 16 bits become 8. A
// JPEG may come out smaller than it is, but no smaller than twice `side` where it was that large (it is decoded at a
// reduced scale, which saves most of the time). Throws an invalid Error that names the file when it is neither PNG nor
// JPEG, corrupt, truncated, larger than 2^26 pixels, or announces more pixels than its bytes could hold.
Picture read_picture(const std::string& path, std::int64_t side);

}  // namespace netwright
