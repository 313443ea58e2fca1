/* zlib and libzstd behind one function. */
#include "sources/logs/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

/* The largest window is what a stream may make us allocate: 128 MiB, zstd's own default limit. */
#define ZSTD_WINDOW_LOG_MAX 27
/* zlib: a window of 32 KiB, and a gzip header is expected. */
#define GZIP_WINDOW_BITS (15 + 16)

struct tw_unpack {
    enum tw_packing packing;
    bool is_complete, has_ended; /* ended: what follows the last member belongs to nobody */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

enum tw_packing tw_packing_of(const void *bytes, size_t size)
{
    if (size >= 3 && !memcmp(bytes, "\x1f\x8b\x08", 3))
        return TW_PACKED_GZIP;
    return size >= 4 && !memcmp(bytes, "\x28\xb5\x2f\xfd", 4) ? TW_PACKED_ZSTD : TW_PACKED_NOT;
}

struct tw_unpack *tw_unpack_new(enum tw_packing packing)
{
    struct tw_unpack *unpack = calloc(1, sizeof *unpack);
    bool is_made = false;
    if (!unpack)
        return NULL;
    unpack->packing = packing;
    unpack->is_complete = true;
    if (packing == TW_PACKED_GZIP) {
        is_made = inflateInit2(&unpack->gzip, GZIP_WINDOW_BITS) == Z_OK;
    } else if (packing == TW_PACKED_ZSTD) {
        unpack->zstd = ZSTD_createDStream();
        is_made = unpack->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(
                                      unpack->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX));
    }
    if (is_made)
        return unpack;
    ZSTD_freeDStream(unpack->zstd);
    free(unpack);
    return NULL;
}

void tw_unpack_free(struct tw_unpack *unpack)
{
    if (!unpack)
        return;
    if (unpack->packing == TW_PACKED_GZIP)
        inflateEnd(&unpack->gzip);
    ZSTD_freeDStream(unpack->zstd);
    free(unpack);
}

/* gzip(1) too passes over what stands behind the last member: tapes pad with zeros. */
static bool is_next_member(struct tw_unpack *unpack, const unsigned char *in)
{
    unpack->has_ended = in[0] != 0x1f;
    return !unpack->has_ended && inflateReset(&unpack->gzip) == Z_OK;
}

static int gunzip(struct tw_unpack *unpack, const unsigned char **in, size_t *n_in, void *out,
                  size_t size, size_t *ret_n)
{
    z_stream *stream = &unpack->gzip;
    *ret_n = 0;
    while (*n_in && *ret_n < size && !unpack->has_ended) {
        if (unpack->is_complete && stream->total_out + stream->total_in &&
            !is_next_member(unpack, *in))
            break;
        unpack->is_complete = false;
        stream->next_in = *in;
        stream->avail_in = (uInt)(*n_in < 1u << 30 ? *n_in : 1u << 30);
        stream->next_out = (unsigned char *)out + *ret_n;
        stream->avail_out = (uInt)(size - *ret_n < 1u << 30 ? size - *ret_n : 1u << 30);
        int result = inflate(stream, Z_NO_FLUSH);
        *n_in -= (size_t)(stream->next_in - *in);
        *in = stream->next_in;
        *ret_n = (size_t)(stream->next_out - (unsigned char *)out);
        unpack->is_complete = result == Z_STREAM_END;
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return -EBADMSG;
    }
    if (unpack->has_ended)
        *n_in = 0;
    return 0;
}

static int unzstd(struct tw_unpack *unpack, const unsigned char **in, size_t *n_in, void *out,
                  size_t size, size_t *ret_n)
{
    ZSTD_outBuffer to = {out, size, 0};
    ZSTD_inBuffer from = {*n_in ? *in : (const void *)"", *n_in, 0};
    size_t result = 1;
    /* With an empty input it still gives what did not fit the last time. */
    do
        result = ZSTD_decompressStream(unpack->zstd, &to, &from);
    while (!ZSTD_isError(result) && from.pos < from.size && to.pos < to.size);
    if (from.pos)
        *in += from.pos;
    *n_in -= from.pos;
    *ret_n = to.pos;
    if (ZSTD_isError(result))
        return -EBADMSG;
    unpack->is_complete = result == 0 || (unpack->is_complete && !from.size && !to.pos);
    return 0;
}

int tw_unpack_some(struct tw_unpack *unpack, const unsigned char **in, size_t *n_in, void *out,
                   size_t size, size_t *ret_n)
{
    return unpack->packing == TW_PACKED_GZIP ? gunzip(unpack, in, n_in, out, size, ret_n)
                                             : unzstd(unpack, in, n_in, out, size, ret_n);
}

bool tw_unpack_is_complete(const struct tw_unpack *unpack)
{
    return unpack->is_complete;
}
