// simdjson has no other interface than C++. No exceptions, no RTTI.
#include "telemetry/json_simd.h"

#include <cstdlib>
#include <cstring>
#include <simdjson.h>

namespace
{

namespace dom = simdjson::dom;

// Longer texts are rare (headers of huge networks), and what is kept for the next one is memory of
// each thread: under 1 MiB with these.
constexpr size_t kBytesMax = 32u << 10;
constexpr size_t kTokensMax = 8192;
// Keys of one object that are told apart here; a power of two, at most half of the slots.
constexpr unsigned kKeysMax = 64, kSlots = 128;

// What is kept from one text to the next.
struct Scratch {
    dom::parser parser{kBytesMax};
    char *padded = nullptr; // kBytesMax and what simdjson reads beyond
    tw_token *tokens = nullptr;

    bool allocate()
    {
        if (!padded)
            padded = static_cast<char *>(std::calloc(1, kBytesMax + simdjson::SIMDJSON_PADDING));
        if (!tokens)
            tokens = static_cast<tw_token *>(std::malloc(kTokensMax * sizeof *tokens));
        return padded && tokens;
    }
    ~Scratch()
    {
        std::free(padded);
        std::free(tokens);
    }
};

thread_local Scratch scratch;

// Whether a key has been in its object before. jansson refuses two alike at any depth.
class Keys
{
  public:
    // False: it has, or there are too many to tell.
    bool add(const tw_token *key)
    {
        if (n_ == kKeysMax)
            return false;
        for (unsigned slot = hash(key) % kSlots;; slot = (slot + 1) % kSlots) {
            if (!slots_[slot]) {
                keys_[n_++] = key;
                slots_[slot] = static_cast<unsigned char>(n_);
                return true;
            }
            const tw_token *other = keys_[slots_[slot] - 1];
            if (other->length == key->length && !std::memcmp(other->text, key->text, key->length))
                return false;
        }
    }

  private:
    static unsigned hash(const tw_token *key)
    {
        uint64_t word = 0, last = 0;
        if (key->length >= sizeof word) {
            std::memcpy(&word, key->text, sizeof word);
            std::memcpy(&last, key->text + key->length - sizeof last, sizeof last);
        } else {
            for (size_t i = 0; i < key->length; i++)
                word = word << 8 | static_cast<unsigned char>(key->text[i]);
        }
        // Knuth's multiplicative hashing: the upper bits of a product with 2^64 by the golden
        // ratio.
        return static_cast<unsigned>(
            ((word ^ (last << 1 | last >> 63) ^ key->length) * 0x9E3779B97F4A7C15u) >> 57);
    }

    const tw_token *keys_[kKeysMax];
    unsigned char slots_[kSlots] = {}; // 1 + the key's index; 0: free
    unsigned n_ = 0;
};

class Flattener
{
  public:
    explicit Flattener(tw_token *tokens) : begin_(tokens), at_(tokens), end_(tokens + kTokensMax)
    {
    }

    size_t count() const
    {
        return static_cast<size_t>(at_ - begin_);
    }

    // False: it is jansson's to judge.
    bool add_object(dom::object object, unsigned depth)
    {
        Keys keys;
        if (depth == TW_NESTING_MAX || !add(TW_TOKEN_MAP))
            return false;
        for (dom::key_value_pair member : object) {
            tw_token *key = add(TW_TOKEN_KEY);
            if (!key)
                return false;
            key->text = member.key.data();
            key->length = member.key.size();
            if (!keys.add(key) || !add_value(member.value, depth + 1))
                return false;
        }
        return add(TW_TOKEN_MAP_END);
    }

  private:
    tw_token *add(tw_token_type type)
    {
        if (at_ == end_)
            return nullptr;
        at_->type = type;
        return at_++;
    }

    bool add_list(dom::array list, unsigned depth)
    {
        if (depth == TW_NESTING_MAX || !add(TW_TOKEN_LIST))
            return false;
        for (dom::element item : list) {
            if (!add_value(item, depth + 1))
                return false;
        }
        return add(TW_TOKEN_LIST_END);
    }

    bool add_integer(int64_t integer)
    {
        tw_token *token = add(TW_TOKEN_INTEGER);
        if (!token)
            return false;
        token->is_negative = integer < 0;
        token->integer = static_cast<uint64_t>(integer < 0 ? -1 - integer : integer);
        token->number = static_cast<double>(integer);
        return true;
    }

    bool add_value(dom::element value, unsigned depth)
    {
        tw_token *token;
        switch (value.type()) {
        case dom::element_type::OBJECT:
            return add_object(value.get_object().value_unsafe(), depth);
        case dom::element_type::ARRAY:
            return add_list(value.get_array().value_unsafe(), depth);
        case dom::element_type::INT64:
            return add_integer(value.get_int64().value_unsafe());
        case dom::element_type::DOUBLE:
            token = add(TW_TOKEN_NUMBER);
            if (token)
                token->number = value.get_double().value_unsafe();
            return token;
        case dom::element_type::STRING:
            token = add(TW_TOKEN_TEXT);
            if (token) {
                token->text = value.get_c_str().value_unsafe();
                token->length = value.get_string_length().value_unsafe();
            }
            return token;
        case dom::element_type::BOOL:
            token = add(TW_TOKEN_BOOLEAN);
            if (token)
                token->boolean = value.get_bool().value_unsafe();
            return token;
        case dom::element_type::NULL_VALUE:
            return add(TW_TOKEN_NULL);
        case dom::element_type::UINT64: // of more bits than jansson's integers
            break;
        }
        return false;
    }

    tw_token *begin_, *at_, *end_;
};

} // namespace

size_t tw_json_simd_tokens(const char *data, size_t size, const tw_token **ret)
{
    dom::element root;
    dom::object object;
    // What is behind an escape (a zero byte, half a surrogate pair) is judged by jansson alone.
    if (!size || size > kBytesMax || *data != '{' || std::memchr(data, '\\', size) ||
        !scratch.allocate())
        return 0;
    std::memcpy(scratch.padded, data, size);
    if (scratch.parser.parse(scratch.padded, size, false).get(root) ||
        root.get_object().get(object))
        return 0;
    Flattener flattener(scratch.tokens);
    if (!flattener.add_object(object, 0))
        return 0;
    *ret = scratch.tokens;
    return flattener.count();
}
