// netwright-torch data OPTIONS

#include <iostream>
#include <memory>

#include "apps/netwright-torch/options.h"
#include "apps/netwright-torch/verb.h"
#include "netwright/data/data_set.h"

namespace netwright {

std::function<int()> add_data(CLI::App& application) {
  const auto options = std::make_shared<std::string>();
  CLI::App* verb = application.add_subcommand("data", "Open a data set and print what it holds");
  verb->add_option("OPTIONS", *options, "Data options as JSON, or a file of them; '-' reads stdin")->required();
  return [options] {
    const DataOptions data = read_data_options(*options);
    std::cout << describe(open_data(data), data).dump(1) << '\n';
    return 0;
  };
}

}  // namespace netwright
