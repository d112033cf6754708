// Vectors of 32 bytes: AVX2 on x86.
#define NETWRIGHT_VECTOR_BYTES 32
#define NETWRIGHT_VECTOR_NAMESPACE vectors_of_32
#include "netwright/nn/kernels/pool_body.h"
#include "netwright/nn/kernels/weighted_sum_body.h"
