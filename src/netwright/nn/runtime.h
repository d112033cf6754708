// Settings of the process that make training on CPUs faster. Call once, early, from a program that trains: they hold
// for the whole process, which is why no library call makes them unasked.
#pragma once

namespace netwright {

// - `threads` for LibTorch's kernels (at least 1), none for parallel branches of graphs.
// - Denormal floats count as zero: arithmetic on them is up to a hundred times slower.
// - Freed memory stays with the process (glibc): handing large blocks back to the kernel after each step costs page
//   faults in the next one.
// Must be called before other threads run LibTorch kernels. May be called again with another number of threads.
void configure_runtime(int threads);

}  // namespace netwright
