// Whether a picture is XML that every reader accepts.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace support {

inline bool only_known_entities(std::string_view text) {
  for (std::size_t at = text.find('&'); at != text.npos; at = text.find('&', at + 1)) {
    const std::string_view rest = text.substr(at);
    if (!rest.starts_with("&amp;") && !rest.starts_with("&lt;") && !rest.starts_with("&gt;") &&
        !rest.starts_with("&quot;"))
      return false;
  }
  return true;
}

/// The attributes of a tag: name="value", each after one space, no name twice.
inline bool sound_attributes(std::string_view text) {
  std::vector<std::string_view> names;
  while (!text.empty()) {
    const std::size_t equals = text.find("=\"");
    if (text[0] != ' ' || equals == text.npos) return false;
    const std::string_view name = text.substr(1, equals - 1);
    if (name.empty() || name.find_first_of(" \"'&/") != name.npos ||
        std::ranges::find(names, name) != names.end())
      return false;
    names.push_back(name);
    const std::size_t end = text.find('"', equals + 2);
    if (end == text.npos) return false;
    text.remove_prefix(end + 1);
  }
  return true;
}

/// Of the XML that a picture may use: elements, attributes, entities, text without control
/// characters; one root.
inline bool well_formed(std::string_view xml) {
  std::vector<std::string_view> open;
  bool root_seen = false;
  if (std::ranges::any_of(xml,
                          [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == 0x7F; }) ||
      !only_known_entities(xml))
    return false;
  while (!xml.empty()) {
    const std::size_t less = std::min(xml.find('<'), xml.size());
    const std::string_view text = xml.substr(0, less);
    if (text.find('>') != text.npos || (open.empty() && text.find_first_not_of('\n') != text.npos))
      return false;
    xml.remove_prefix(less);
    if (xml.empty()) break;
    const std::size_t greater = xml.find('>');
    if (greater == xml.npos) return false;
    std::string_view tag = xml.substr(1, greater - 1);
    xml.remove_prefix(greater + 1);
    if (tag.starts_with('/')) {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
      continue;
    }
    const bool closed = tag.ends_with('/');
    if (closed) tag.remove_suffix(1);
    const std::string_view name = tag.substr(0, tag.find(' '));
    if (name.empty() || (open.empty() && root_seen) || !sound_attributes(tag.substr(name.size())))
      return false;
    root_seen = true;
    if (!closed) open.push_back(name);
  }
  return root_seen && open.empty();
}

}  // namespace support
