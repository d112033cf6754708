// The names of the classes of the data sets whose files hold numbers only.
#pragma once

#include <string>
#include <vector>

namespace netwright {

// Precondition: format is fashion-mnist, mnist, cifar-10 or cifar-100 (the 100 fine classes).
const std::vector<std::string>& class_names_of(const std::string& format);

}  // namespace netwright
