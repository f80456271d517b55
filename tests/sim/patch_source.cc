// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// patch_source FROM TO (BEFORE AFTER)...: copies a source, with each BEFORE, of
// which there must be exactly one, become AFTER. So a mutant whose line is not
// there any more breaks the build instead of passing for the product.

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
  if (argc < 5 || argc % 2 == 0) return 2;
  std::ifstream from(argv[1]);
  std::string text((std::istreambuf_iterator<char>(from)),
                   std::istreambuf_iterator<char>());
  for (int i = 3; i < argc; i += 2) {
    const std::string before = argv[i];
    const size_t at = text.find(before);
    if (at == std::string::npos ||
        text.find(before, at + 1) != std::string::npos) {
      std::cerr << argv[1] << ": not exactly once there: " << before << "\n";
      return 1;
    }
    text.replace(at, before.size(), argv[i + 1]);
  }
  std::ofstream to(argv[2]);
  to << text;
  return to.good() ? 0 : 1;
}
