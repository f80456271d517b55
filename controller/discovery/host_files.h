// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_HOST_FILES_H_
#define CONTROLLER_DISCOVERY_HOST_FILES_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "controller/discovery/hosts_file.h"
#include "controller/discovery/provider.h"

namespace rehai {

// The files that list hosts, and what they held when they could last be read.
//
// What adds or changes hosts is believed at once. What takes hosts away, a
// shorter file or none, is believed when a second look finds the same: an
// editor that moves a file away before it writes the new one, or a file that is
// being written, takes nobody away. A file that is bad or cannot be read keeps
// its hosts, and so do all files of a folder that cannot be read.
//
// Looks only when told to. Not thread-safe.
class HostFiles {
 public:
  // Files, and patterns with * ? [] in the file's name, all with their folders.
  explicit HostFiles(std::vector<std::string> patterns,
                     HostUri uri = HostUri::kNeeded);

  // Looks at all of them anew. Blocks on the files. False: something is to be
  // looked at once more, soon, to be believed. `now` is wall time.
  bool Look(absl::Time now);

  // As of the last look, by name. A pattern is one itself while its folder
  // cannot be read.
  std::vector<Provider> providers() const;

  // Where files appear, change and go.
  std::set<std::string> folders() const;

 private:
  struct File {
    Provider provider;
    // Nullopt: it was not there.
    std::optional<std::string> content = {};
    // Seen once and not yet believed, since it takes hosts away.
    std::optional<std::optional<std::string>> doubted = {};
  };

  // Those that match the pattern now. kNotFound, kPermissionDenied or
  // kUnavailable: the folder cannot be read.
  static absl::StatusOr<std::set<std::string>> Match(
      const std::string& pattern);
  // False: it is to be looked at again.
  bool Reload(const std::string& name, File& file, absl::Time now);
  bool Vanish(File& file);
  // True if `content` is what was seen before; notes it otherwise.
  static bool IsSeenTwice(File& file,
                          const std::optional<std::string>& content);

  const std::vector<std::string> patterns_;
  const HostUri uri_;
  std::map<std::string, File> files_;
  // Patterns whose folders could not be read, and why.
  std::map<std::string, std::string> unreadable_;
};

// Reads all files once: OK, or kInvalidArgument with every problem, a line
// each. A pattern that matches nothing is none.
absl::Status CheckHostFiles(const std::vector<std::string>& patterns,
                            HostUri uri = HostUri::kNeeded);

// kInvalidArgument if HostFiles does not take it for a file or a pattern.
absl::Status CheckFilePattern(absl::string_view pattern);

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_HOST_FILES_H_
