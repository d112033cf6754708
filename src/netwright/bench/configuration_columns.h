// The configurations that the rows of a table stand for.
#pragma once

#include <string>
#include <vector>

#include "netwright/bench/csv_table.h"
#include "netwright/space/search_space.h"

namespace netwright {

class ConfigurationColumns {
 public:
  // Where the table has the column `architecture`, its cells are a NAS-Bench-201 string (|op~0|+…) or a
  // configuration's canonical text ("a=1; b=relu"). Otherwise each choice of the space needs a column of its name; the
  // cells of inactive choices are not read. Throws an invalid Error naming the missing column. Both arguments must
  // outlive this.
  ConfigurationColumns(const SearchSpace& space, const CsvTable& table, const std::string& architecture);

  // Throws an invalid Error at the row's line when it is no configuration of the space.
  Configuration read(std::size_t row) const;

 private:
  const SearchSpace& space_;
  const CsvTable& table_;
  bool has_architecture_;
  std::size_t architecture_ = 0;
  std::vector<std::size_t> columns_;  // of each choice
};

}  // namespace netwright
