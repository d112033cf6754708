// The kernels for vectors of 64 bytes, compiled for a processor of 32-byte ones: each vector is two (vectors_test.cpp).
#define NETWRIGHT_VECTOR_BYTES 64
#define NETWRIGHT_VECTOR_NAMESPACE vectors_of_64_in_halves
#include "netwright/nn/kernels/weighted_sum_body.h"
