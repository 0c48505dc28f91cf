#include "common/dump_encoding.hpp"

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/error.hpp"

namespace belay {

namespace {

/// PostgreSQL's encodings that iconv calls something else (or the same: the list is also the list of what is known).
const char* iconv_name(std::string_view encoding) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 38> names{
      {{"EUC_JP", "EUC-JP"},
       {"EUC_CN", "EUC-CN"},
       {"EUC_KR", "EUC-KR"},
       {"EUC_TW", "EUC-TW"},
       {"EUC_JIS_2004", "EUC-JISX0213"},
       {"LATIN1", "ISO-8859-1"},
       {"LATIN2", "ISO-8859-2"},
       {"LATIN3", "ISO-8859-3"},
       {"LATIN4", "ISO-8859-4"},
       {"LATIN5", "ISO-8859-9"},
       {"LATIN6", "ISO-8859-10"},
       {"LATIN7", "ISO-8859-13"},
       {"LATIN8", "ISO-8859-14"},
       {"LATIN9", "ISO-8859-15"},
       {"LATIN10", "ISO-8859-16"},
       {"WIN1250", "CP1250"},
       {"WIN1251", "CP1251"},
       {"WIN1252", "CP1252"},
       {"WIN1253", "CP1253"},
       {"WIN1254", "CP1254"},
       {"WIN1255", "CP1255"},
       {"WIN1256", "CP1256"},
       {"WIN1257", "CP1257"},
       {"WIN1258", "CP1258"},
       {"WIN866", "CP866"},
       {"WIN874", "CP874"},
       {"KOI8R", "KOI8-R"},
       {"KOI8U", "KOI8-U"},
       {"ISO_8859_5", "ISO-8859-5"},
       {"ISO_8859_6", "ISO-8859-6"},
       {"ISO_8859_7", "ISO-8859-7"},
       {"ISO_8859_8", "ISO-8859-8"},
       {"SJIS", "CP932"},
       {"BIG5", "BIG5"},
       {"GBK", "GBK"},
       {"UHC", "CP949"},
       {"GB18030", "GB18030"},
       {"SHIFT_JIS_2004", "SHIFT_JISX0213"}}};
  const auto* const found =
      std::find_if(names.begin(), names.end(), [&](const auto& p) { return p.first == encoding; });
  return found == names.end() ? nullptr : found->second;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

struct Converter {
  explicit Converter(const char* from) : handle(iconv_open("UTF-8", from)) {}
  ~Converter() {
    if (known()) iconv_close(handle);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  // iconv_open's failure is the pointer -1.
  [[nodiscard]] bool known() const { return reinterpret_cast<std::intptr_t>(handle) != -1; }
  iconv_t handle;
};

/// Client encodings whose characters may hold ASCII bytes, a backslash or a quote among them, as their second byte. No
/// database can be in one of these.
constexpr std::array<std::string_view, 7> with_ascii_inside{"SJIS",    "BIG5",  "GBK",           "UHC",
                                                            "GB18030", "JOHAB", "SHIFT_JIS_2004"};
constexpr std::array<std::string_view, 3> not_converted{"UTF8", "SQL_ASCII", "MULE_INTERNAL"};

}  // namespace

std::string dumped_name_to_utf8(const std::string& name, const std::string& encoding) {
  // SQL_ASCII means that nobody knows what the bytes are.
  if (is_ascii(name) || encoding.empty() || encoding == "UTF8" || encoding == "SQL_ASCII") return name;
  const char* known_as = iconv_name(encoding);
  const Converter converter{known_as == nullptr ? "unknown" : known_as};
  std::string out(name.size() * 4, '\0');
  char* from = const_cast<char*>(name.data());  // iconv does not write there
  char* to = out.data();
  std::size_t from_left = name.size(), to_left = out.size();
  if (!converter.known() || iconv(converter.handle, &from, &from_left, &to, &to_left) == static_cast<std::size_t>(-1))
    throw Error{Failure::storage, "could not read a name in the dump",
                fmt::format("It is written in {}, and could not be converted to UTF-8.", encoding)};
  out.resize(out.size() - to_left);
  return out;
}

std::string encoding_name(std::string_view written) {
  std::string name;
  for (const char c : written) {
    if (c != '-' && c != ' ') name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name == "UNICODE" ? "UTF8" : name;
}

bool is_byte_safe_encoding(std::string_view encoding) {
  if (std::find(not_converted.begin(), not_converted.end(), encoding) != not_converted.end()) return true;
  if (std::find(with_ascii_inside.begin(), with_ascii_inside.end(), encoding) != with_ascii_inside.end()) return false;
  return iconv_name(encoding) != nullptr;
}

}  // namespace belay
