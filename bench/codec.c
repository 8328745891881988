/* The codec alone: what of a check is decoding. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#include "codec/codec.h"

typedef struct prefix {
    uint8_t frame[4];
    ward_codec codec;
    size_t length;
    uint64_t code;
} prefix;

BENCH_INLINE void prefix_op(void *context)
{
    prefix *p = context;
    BENCH_KEEP(p->frame);
    ward_error error =
        wardi_prefix_decode(p->frame, sizeof p->frame, &p->codec, &p->length, &p->code);
    BENCH_KEEP(&error);
}

void bench_codec_prefix(const bench *b)
{
    prefix p = {.frame = {0x81, 0x0e, 0x00, 0x00}};
    bench_report("codec_prefix", b->samples, prefix_op, &p);
}

typedef struct decode {
    uint8_t window[256]; /* what the default policy lets a check see */
    ward_report report;
} decode;

BENCH_INLINE void decode_op(void *context)
{
    decode *d = context;
    BENCH_KEEP(d->window);
    ward_error error = wardi_frame_decode(d->window, sizeof d->window, &d->report, NULL);
    BENCH_KEEP(&error);
}

static void decode_figures(const bench *b, const char *name, ward_codec codec)
{
    decode d = {0};
    size_t length;
    ward_diag diag = {.text = "the frame could not be made"};
    bench_must(ward_frame_encode(codec, WARD_HEALTH_DEGRADED, BENCH_REASON, sizeof BENCH_REASON - 1,
                                 d.window, sizeof d.window, &length),
               &diag, name);
    bench_report(name, b->samples, decode_op, &d);
    if (strcmp(d.report.reason.text, BENCH_REASON) != 0) exit(1);
}

void bench_decode_borsh(const bench *b)
{
    decode_figures(b, "decode_borsh", WARD_CODEC_BORSH);
}

void bench_decode_json(const bench *b)
{
    decode_figures(b, "decode_json", WARD_CODEC_JSON);
}

void bench_decode_cbor(const bench *b)
{
    decode_figures(b, "decode_cbor", WARD_CODEC_CBOR);
}
