/* Borsh payloads against a plain reading, and the same bytes as a reason there and back. */
#include "fuzz.h"

typedef struct plain {
    bool ok;
    unsigned status;
    fuzz_reason reason;
} plain;

static plain plain_decode(const uint8_t *data, size_t size)
{
    plain p = {0};
    if (size == 0 || data[0] > 2) return p;
    p.status = data[0];
    p.ok = data[0] == 0 || size >= 5;
    if (data[0] == 0 || !p.ok) return p;
    uint64_t said = data[1] + 256u * (data[2] + 256u * (data[3] + UINT64_C(256) * data[4]));
    uint64_t there = size - 5;
    fuzz_reason_add(&p.reason, data + 5, said < there ? said : there, said > there);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ward_report report;
    ward_error error = wardi_borsh_decode(data, size, &report);
    plain wanted = plain_decode(data, size);
    WARD_ASSERT((error == WARD_OK) == wanted.ok);
    if (wanted.ok) {
        fuzz_check_report(&report);
        WARD_ASSERT((unsigned)report.status == wanted.status);
        fuzz_check_reason(&report.reason, &wanted.reason);
    }
    fuzz_check_round_trip(WARD_CODEC_BORSH, data, size);
    return 0;
}
