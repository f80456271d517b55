// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_KEY_FILE_H_
#define CHEF_KEY_FILE_H_

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "chef/request_signer.h"
#include "chef/signer_source.h"

namespace rehai::chef {

// The text of a private key's file. kInvalidArgument: others than its owner and
// group can read it, or others than its owner can write it (the message has the
// chmod to run), or it is too large for a key; kNotFound, kPermissionDenied,
// kUnavailable: it cannot be read. Wipe() the text after use.
absl::StatusOr<std::string> ReadKeyFile(const std::string& path);

// kInvalidArgument as above. `found` is what stat() says about `path`.
absl::Status CheckKeyPermissions(const std::string& path,
                                 const struct stat& found);

// The signer whose key is in a file, read again when the file has changed: a
// key is replaced by moving a new file into place. A new file that is no good
// leaves the old key in use, and the log says why. Looks at the file at most
// every few seconds, and whenever a server refuses a signature. Thread-safe; no
// thread of its own.
class KeyFile final : public SignerSource {
 public:
  // Errors as of ReadKeyFile() and RequestSigner::Create(). `clock` must
  // outlive this.
  static absl::StatusOr<std::unique_ptr<KeyFile>> Open(std::string client_name,
                                                       std::string path,
                                                       SignVersion version,
                                                       const Clock& clock);

  std::shared_ptr<const RequestSigner> Current() override;
  std::shared_ptr<const RequestSigner> Renewed() override;

 private:
  using SignerPtr = std::shared_ptr<const RequestSigner>;
  // What changes when a file is written, replaced or given other permissions:
  // device, inode, size, the times of its content and of its inode.
  using Version = std::tuple<dev_t, ino_t, off_t, int64_t, int64_t>;

  KeyFile(std::string client_name, std::string path, SignVersion sign_version,
          const Clock& clock)
      : client_name_(std::move(client_name)),
        path_(std::move(path)),
        sign_version_(sign_version),
        clock_(clock) {}

  absl::StatusOr<SignerPtr> Load() const;
  Version Look() const;

  // Set at construction.
  const std::string client_name_;
  const std::string path_;
  const SignVersion sign_version_;
  const Clock& clock_;

  Mutex mu_;
  SignerPtr signer_ ABSL_GUARDED_BY(mu_);
  Version version_ ABSL_GUARDED_BY(mu_);  // when it was last read
  absl::Duration next_look_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai::chef

#endif  // CHEF_KEY_FILE_H_
