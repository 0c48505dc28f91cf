#include "backup/private_folder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/error.hpp"

namespace belay {

namespace fs = std::filesystem;

PrivateFolder::PrivateFolder() {
  const char* variable = std::getenv("TMPDIR");
  const fs::path parent = variable == nullptr || *variable == '\0' ? "/tmp" : variable;
  std::string name = fs::absolute(parent / "belay-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw Error{Failure::storage, fmt::format("could not make a folder in \"{}\"", parent.string()),
                std::strerror(errno)};
  path_ = name;
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;  // what is left is the system's to clean; nobody else can read it
  fs::remove_all(path_, ignored);
}

}  // namespace belay
