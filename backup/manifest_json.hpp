// The manifest's fields as JSON, both ways.
#pragma once
#include "backup/manifest.hpp"

namespace belay {

[[nodiscard]] Json manifest_to_json(const Manifest& manifest);
/// Throws Json::exception or Error{storage} for a missing field, a wrong type, another version, or an unknown required
/// field.
[[nodiscard]] Manifest manifest_from_json(const Json& json);
/// The copies at other places alone, as they stand in the manifest.
[[nodiscard]] Json copies_to_json(const Manifest& manifest);
/// The content part alone, as it stands in the manifest.
[[nodiscard]] Json content_to_json(const ContentFingerprint& content);

}  // namespace belay
