/* Wasm values: the first byte is the number of values, the next ones their kinds, the rest their
 * bytes. Whatever can be read comes back byte by byte; any other length is refused. */
#include "fuzz.h"

enum { COUNT_MAX = 255 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    size_t count = data[0];
    data++;
    size--;
    if (size < count) return 0;
    wardi_value_kind kinds[COUNT_MAX];
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        kinds[i] = (wardi_value_kind)(data[i] % 4);
        wanted += kinds[i] == WARDI_I32 || kinds[i] == WARDI_F32 ? 4 : 8;
    }
    data += count;
    size -= count;
    WARD_ASSERT(wardi_values_size(kinds, count) == wanted);
    wardi_value values[COUNT_MAX];
    ward_diag diag;
    ward_error error = wardi_values_decode(kinds, count, data, size, values, &diag);
    WARD_ASSERT(error == (size == wanted ? WARD_OK : WARD_ERROR_INVALID_ARGUMENT));
    if (error != WARD_OK) return 0;
    for (size_t i = 0; i < count; i++) {
        WARD_ASSERT(values[i].kind == kinds[i]);
        bool narrow = kinds[i] == WARDI_I32 || kinds[i] == WARDI_F32;
        WARD_ASSERT(!narrow || values[i].bits <= UINT32_MAX);
    }
    uint8_t back[8 * COUNT_MAX];
    size_t length = 0;
    error = wardi_values_encode(values, count, back, wanted, &length);
    WARD_ASSERT(error == WARD_OK && length == size);
    WARD_ASSERT(size == 0 || memcmp(back, data, size) == 0);
    if (wanted > 0) {
        error = wardi_values_encode(values, count, back, wanted - 1, &length);
        WARD_ASSERT(error == WARD_ERROR_BUFFER_TOO_SMALL && length == wanted);
    }
    return 0;
}
