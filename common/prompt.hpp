// Questions to the person at the terminal. Without a terminal nothing is asked and nothing is assumed.
#pragma once
#include <string>

#include "common/output.hpp"

namespace belay {

enum class Answer { yes, no, cannot_ask };

class Prompt {
 public:
  virtual ~Prompt() = default;
  /// Shows `question` and reads one line. `yes` only if the line is exactly `word` ("yes" also accepts "y" in any
  /// case). End of input, or a lost terminal, is `no`. cannot_ask: standard input is no terminal.
  virtual Answer ask(const std::string& question, const std::string& word) = 0;
};

class TerminalPrompt final : public Prompt {
 public:
  Answer ask(const std::string& question, const std::string& word) override;
};

}  // namespace belay
