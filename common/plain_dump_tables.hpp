// The tables that a plain dump is found to hold.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/copy_statement.hpp"
#include "common/fingerprint.hpp"

namespace belay {

class PlainDumpTables {
 public:
  /// Of the names from here on, by PostgreSQL's name.
  void set_encoding(std::string encoding) { encoding_ = std::move(encoding); }
  [[nodiscard]] const std::string& encoding() const { return encoding_; }
  /// Where names without a schema are from here on (dumps of pg_dump 10 and older have such); empty or "$user":
  /// nothing was said.
  void set_search_path(std::string schema) { search_path_ = std::move(schema); }
  /// Throws storage if the name is no text of the dump's encoding.
  void begin_block(const CopyStatement& copy);
  void end_block(std::uint64_t rows, const RowHash& hash);
  void add_foreign_table(const CopyStatement& name);
  [[nodiscard]] const std::string& current() const { return current_; }  ///< `"schema"."table"`, empty between blocks
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }  ///< in order of their first blocks
  void fill(ContentFingerprint& content) const;

 private:
  struct Table {
    TableContent content;
    RowHash sum;
    bool columns_differ = false;  ///< its blocks have other lists of columns than the first one
  };
  [[nodiscard]] std::string to_utf8(const std::string& name) const;
  [[nodiscard]] std::string schema_of(const CopyStatement& name) const;

  std::string encoding_ = "UTF8";
  std::string search_path_;
  std::map<std::pair<std::string, std::string>, Table> tables_;
  Table* open_ = nullptr;
  std::string current_;
  std::vector<std::string> names_, skipped_;
};

}  // namespace belay
