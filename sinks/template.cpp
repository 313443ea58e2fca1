// Behind template.h: the mustache library is C++ only, and says so of bad templates by text.
#include "sinks/template.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <jansson.h>
#include <kainjow/mustache.hpp>
#include <new>
#include <stdexcept>
#include <string>

extern "C" {
#include "telemetry/text.h"
}

namespace
{

namespace mustache = kainjow::mustache;

// More than this is a template that repeats itself, and no mail that anybody takes.
constexpr size_t kTextMax = 4u << 20;

// The library drops a line that held a section's tag and came out blank, wanted or not, and keeps
// that of a section that was passed over. The specification has it by the template alone: a line
// with a section's tag (or a comment) and nothing else is no line. So those are joined to the next
// line here, and every other line gets a mark, which no value may contain, and is never blank.
constexpr char kMark = '\1';

bool is_standalone(const std::string &line, size_t *begin, size_t *end)
{
    *begin = line.find_first_not_of(" \t");
    if (*begin == std::string::npos || line.compare(*begin, 2, "{{") != 0 ||
        std::strchr("#^/!", line[*begin + 2]) == nullptr)
        return false;
    const size_t close = line.find("}}", *begin);
    if (close == std::string::npos)
        return false;
    *end = close + 2;
    return line.find_first_not_of(" \t\r", *end) == std::string::npos;
}

std::string mark_lines(const std::string &text)
{
    std::string ret;
    for (size_t at = 0; at < text.size();) {
        const size_t newline = text.find('\n', at);
        const bool is_last = newline == std::string::npos;
        std::string line = text.substr(at, is_last ? newline : newline - at);
        size_t begin, end;
        if (is_standalone(line, &begin, &end)) {
            ret.append(line, begin, end - begin);
        } else {
            if (!line.empty() && line.back() == '\r')
                line.pop_back();
            ret += line + kMark;
            if (!is_last)
                ret += '\n';
        }
        at = is_last ? text.size() : newline + 1;
    }
    return ret;
}

void erase_marks(std::string *text)
{
    text->erase(std::remove(text->begin(), text->end(), kMark), text->end());
}

std::string number(const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (!text)
        throw std::bad_alloc();
    std::string ret(text);
    std::free(text);
    return ret;
}

mustache::data convert(const json_t *value);

mustache::data convert_string(const json_t *value)
{
    std::string text(json_string_value(value), json_string_length(value));
    erase_marks(&text);
    return text.empty() ? mustache::data(false) : mustache::data(text);
}

mustache::data convert_object(const json_t *value)
{
    mustache::data ret;
    const char *key;
    json_t *member;
    json_object_foreach(const_cast<json_t *>(value), key, member)
    {
        if (!json_is_null(member))
            ret.set(key, convert(member));
    }
    return ret;
}

mustache::data convert_list(const json_t *value)
{
    mustache::data ret(mustache::data::type::list);
    for (size_t i = 0; i < json_array_size(value); i++)
        ret.push_back(convert(json_array_get(value, i)));
    return ret;
}

mustache::data convert(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return convert_object(value);
    case JSON_ARRAY:
        return convert_list(value);
    case JSON_STRING:
        return convert_string(value);
    case JSON_INTEGER:
    case JSON_REAL:
        return number(value);
    case JSON_TRUE:
        return mustache::data(true);
    default:
        return mustache::data(false);
    }
}

std::string escape_html(const std::string &text)
{
    std::string ret;
    ret.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        switch (c) {
        case '&':
            ret += "&amp;";
            break;
        case '<':
            ret += "&lt;";
            break;
        case '>':
            ret += "&gt;";
            break;
        case '"':
            ret += "&quot;";
            break;
        case '\'':
            ret += "&#39;"; // not &apos;, which HTML 4 and some mail programs do not know
            break;
        default:
            if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
                ret += c;
        }
    }
    return ret;
}

std::string escape_json(const std::string &text)
{
    json_t *string = json_stringn(text.data(), text.size());
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : nullptr;
    json_decref(string);
    if (!quoted)
        throw std::bad_alloc();
    std::string ret(quoted + 1, std::strlen(quoted) - 2);
    std::free(quoted);
    return ret;
}

std::string escape_nothing(const std::string &text)
{
    return text;
}

// The library would render a text of the context as a template, by name: a run's name could then
// call itself without end.
class Context : public mustache::context<std::string>
{
  public:
    explicit Context(const mustache::data *data) : context(data)
    {
    }
    const mustache::data *get_partial(const std::string &) const override
    {
        throw std::invalid_argument("partials ({{>name}}) are not supported");
    }
};

// Where the library's messages end in " at 123", an offset in bytes.
int set_fault(tw_error *error, const char *text, std::string message)
{
    const size_t at = message.rfind(" at ");
    if (at == std::string::npos)
        return tw_error_set(error, -EINVAL, "%s", message.c_str());
    const size_t offset = std::strtoul(message.c_str() + at + 4, nullptr, 10);
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < offset && text[i]; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    message.resize(at);
    return tw_error_at(error, -EINVAL, nullptr, line, column, "%s", message.c_str());
}

// Where the first tag of that kind begins, which the library reads past blanks; npos: there is none.
// Refused as text: one in a section would be found by the first notification that has it.
size_t find_tag(const std::string &text, char kind)
{
    for (size_t at = 0; (at = text.find("{{", at)) != std::string::npos; at++) {
        const size_t sign = text.find_first_not_of(" \t\r\n\v\f", at + 2);
        if (sign != std::string::npos && text[sign] == kind)
            return at;
    }
    return std::string::npos;
}

// 0 when nothing is in it that we do not do.
int refuse_tags(const char *text, tw_error *error)
{
    const size_t partial = find_tag(text, '>');
    if (find_tag(text, '=') != std::string::npos)
        return tw_error_set(error, -EINVAL, "set delimiters ({{=...=}}) are not supported");
    if (partial == std::string::npos)
        return 0;
    return set_fault(error, text,
                     "partials ({{>name}}) are not supported at " + std::to_string(partial));
}

std::string render(mustache::mustache &parsed, const mustache::data &data)
{
    struct Output {
        std::string text;
        Output &operator<<(const std::string &piece)
        {
            if (text.size() + piece.size() > kTextMax)
                throw std::length_error("the text grows beyond 4 MiB");
            text += piece;
            return *this;
        }
    } output;
    Context context(&data);
    parsed.render(context, output);
    return output.text;
}

int render_or_throw(char **ret, const char *text, const json_t *context, tw_template_escape escape,
                    tw_error *error)
{
    if (const int result = refuse_tags(text, error))
        return result;
    const mustache::mustache as_written{std::string(text)};
    if (!as_written.is_valid())
        return set_fault(error, text, as_written.error_message());
    mustache::mustache parsed{mark_lines(text)};
    parsed.set_custom_escape(escape == TW_TEMPLATE_HTML   ? escape_html
                             : escape == TW_TEMPLATE_JSON ? escape_json
                                                          : escape_nothing);
    std::string made = render(parsed, convert(context));
    erase_marks(&made);
    *ret = strdup(made.c_str());
    return *ret ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
}

} // namespace

int tw_mustache_render(char **ret, const char *text, const struct json_t *context,
                       enum tw_template_escape escape, struct tw_error *error)
{
    if (!tw_text_is_utf8(text, std::strlen(text)))
        return tw_error_set(error, -EINVAL, "the template is not UTF-8");
    try {
        return render_or_throw(ret, text, context, escape, error);
    } catch (const std::bad_alloc &) {
        return tw_error_set(error, -ENOMEM, "out of memory");
    } catch (const std::exception &fault) {
        return tw_error_set(error, -EINVAL, "%s", fault.what());
    }
}
