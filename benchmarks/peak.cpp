// What the machine can do at most: multiplications and additions whose operands stay in registers.
#include "vec.hpp"

using namespace today;

constexpr int CHAINS = 12; // independent sums: more than the latency of one needs

// Returns the floating-point operations of `rounds` rounds, a multiplication and an addition each.
// numbers: where the chains start, the factor and the summand; all are read, the first written.
extern "C" double net2_multiply(long rounds, float *numbers) {
    vf sums[CHAINS];
    EACH (i, CHAINS)
        sums[i] = splat(numbers[i]);
    const vf a = splat(numbers[CHAINS]), b = splat(numbers[CHAINS + 1]);
    for (long k = 0; k < rounds; k++)
        EACH (i, CHAINS)
            sums[i] = sums[i] * a + b;
    for (int i = 1; i < CHAINS; i++)
        sums[0] += sums[i];
    numbers[0] = sums[0][0];
    return 2.0 * CHAINS * V * rounds;
}
