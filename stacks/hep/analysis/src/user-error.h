#pragma once
#include <stdexcept>
#include <string>

// Something the person at the terminal can mend. `usage` errors end with status
// 2 and point to --help, the others with status 1.
class UserError : public std::runtime_error {
public:
  explicit UserError(const std::string& message, bool usage = false)
      : std::runtime_error(message), usage_(usage) {}
  bool usage() const { return usage_; }

private:
  bool usage_;
};
