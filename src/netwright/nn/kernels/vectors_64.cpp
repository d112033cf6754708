// Vectors of 64 bytes: AVX-512 on x86.
#define NETWRIGHT_VECTOR_BYTES 64
#define NETWRIGHT_VECTOR_NAMESPACE vectors_of_64
#include "netwright/nn/kernels/pool_body.h"
#include "netwright/nn/kernels/weighted_sum_body.h"
