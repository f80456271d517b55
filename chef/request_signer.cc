// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/request_signer.h"

#include <openssl/rsa.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace rehai::chef {
namespace {

// The server API whose answers we understand. Chef's servers, and goiardi, read
// its absence differently, so it is always sent.
constexpr char kServerApiVersion[] = "1";

// Chef's front door sends a request without a version of three numbers to a
// page for browsers.
constexpr char kChefVersion[] = "18.0.0";

// Type-1 padding needs this much of the key.
constexpr size_t kPaddingBytes = 11;

constexpr size_t kAuthorizationLineLength = 60;

struct PkeyContextDeleter {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
struct DigestContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Base64Digest(const EVP_MD* algorithm, absl::string_view text) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(),
             reinterpret_cast<unsigned char*>(digest.data()), &size, algorithm,
             nullptr);
  digest.resize(size);
  return absl::Base64Escape(digest);
}

absl::Status SigningFailed() {
  return absl::InternalError(
      absl::StrCat("signing a request failed: ", TakeOpenSslError()));
}

// Versions 1.0 and 1.1: the text itself, padded to the key's length, raised to
// the private exponent. There is no digest around it.
absl::StatusOr<std::string> EncryptWithPrivateKey(EVP_PKEY* key,
                                                  absl::string_view text) {
  std::unique_ptr<EVP_PKEY_CTX, PkeyContextDeleter> context(
      EVP_PKEY_CTX_new(key, nullptr));
  std::string signature(EVP_PKEY_get_size(key), '\0');
  size_t size = signature.size();
  if (context == nullptr || EVP_PKEY_sign_init(context.get()) <= 0 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) <= 0 ||
      EVP_PKEY_sign(context.get(),
                    reinterpret_cast<unsigned char*>(signature.data()), &size,
                    Bytes(text), text.size()) <= 0) {
    return SigningFailed();
  }
  signature.resize(size);
  return signature;
}

absl::StatusOr<std::string> SignSha256(EVP_PKEY* key, absl::string_view text) {
  std::unique_ptr<EVP_MD_CTX, DigestContextDeleter> context(EVP_MD_CTX_new());
  std::string signature(EVP_PKEY_get_size(key), '\0');
  size_t size = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) <=
          0 ||
      EVP_DigestSign(context.get(),
                     reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Bytes(text), text.size()) <= 0) {
    return SigningFailed();
  }
  signature.resize(size);
  return signature;
}

struct CanonicalRequest {
  absl::string_view method;
  std::string path;
  absl::string_view content_hash;
  absl::string_view timestamp;
  absl::string_view client_name;
};

// What is signed. The versions differ in what they hash and in what they cover.
std::string CanonicalText(SignVersion version,
                          const CanonicalRequest& request) {
  if (version == SignVersion::k1_3) {
    return absl::StrCat(
        "Method:", request.method, "\nPath:", request.path,
        "\nX-Ops-Content-Hash:", request.content_hash,
        "\nX-Ops-Sign:version=1.3\nX-Ops-Timestamp:", request.timestamp,
        "\nX-Ops-UserId:", request.client_name,
        "\nX-Ops-Server-API-Version:", kServerApiVersion);
  }
  return absl::StrCat("Method:", request.method,
                      "\nHashed Path:", Base64Digest(EVP_sha1(), request.path),
                      "\nX-Ops-Content-Hash:", request.content_hash,
                      "\nX-Ops-Timestamp:", request.timestamp,
                      "\nX-Ops-UserId:",
                      version == SignVersion::k1_1
                          ? Base64Digest(EVP_sha1(), request.client_name)
                          : std::string(request.client_name));
}

std::string FormatTimestamp(absl::Time now) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", now, absl::UTCTimeZone());
}

absl::string_view SignHeader(SignVersion version) {
  switch (version) {
    case SignVersion::k1_0:
      return "algorithm=sha1;version=1.0;";
    case SignVersion::k1_1:
      return "algorithm=sha1;version=1.1;";
    case SignVersion::k1_3:
      break;
  }
  return "algorithm=sha256;version=1.3;";
}

}  // namespace

absl::StatusOr<SignVersion> ParseSignVersion(absl::string_view text) {
  if (text == "1.3") return SignVersion::k1_3;
  if (text == "1.1") return SignVersion::k1_1;
  if (text == "1.0") return SignVersion::k1_0;
  return absl::InvalidArgumentError(
      absl::StrCat("signing protocol \"", text,
                   "\": unknown; the versions are \"1.3\" (for every server "
                   "since Chef 12.4), \"1.1\" and \"1.0\""));
}

std::string CanonicalPath(absl::string_view path) {
  std::string canonical;
  canonical.reserve(path.size());
  for (const char c : path) {
    if (c == '/' && !canonical.empty() && canonical.back() == '/') continue;
    canonical += c;
  }
  if (canonical.size() > 1 && canonical.back() == '/') canonical.pop_back();
  return canonical;
}

absl::StatusOr<RequestSigner> RequestSigner::Create(std::string client_name,
                                                    absl::string_view key_pem,
                                                    SignVersion version) {
  if (client_name.empty() ||
      !std::all_of(client_name.begin(), client_name.end(),
                   [](unsigned char c) { return absl::ascii_isgraph(c); })) {
    return absl::InvalidArgumentError(
        absl::StrCat("client name \"", absl::CHexEscape(client_name),
                     "\": must be printable ASCII without spaces"));
  }
  absl::StatusOr<EvpPkeyPtr> key = ParseRsaPrivateKey(key_pem);
  if (!key.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "key of client \"", client_name, "\": ", key.status().message()));
  }
  RequestSigner signer(std::move(client_name), version, *std::move(key));
  // A key that is too short for the longest text shows now, not at the first
  // request.
  absl::Status trial = signer.Sign("POST", "/", "", absl::UnixEpoch()).status();
  if (!trial.ok()) return trial;
  return signer;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>>
RequestSigner::Sign(absl::string_view method, absl::string_view path,
                    absl::string_view body, absl::Time now) const {
  const bool sha256 = version_ == SignVersion::k1_3;
  const std::string content_hash =
      Base64Digest(sha256 ? EVP_sha256() : EVP_sha1(), body);
  const std::string timestamp = FormatTimestamp(now);
  const std::string upper_method = absl::AsciiStrToUpper(method);
  const std::string text =
      CanonicalText(version_, {.method = upper_method,
                               .path = CanonicalPath(path),
                               .content_hash = content_hash,
                               .timestamp = timestamp,
                               .client_name = client_name_});

  const size_t key_bytes = EVP_PKEY_get_size(key_.get());
  if (!sha256 && text.size() + kPaddingBytes > key_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "key of client \"", client_name_, "\": ", 8 * key_bytes,
        " bits are too few to sign as protocol ",
        version_ == SignVersion::k1_0 ? "1.0" : "1.1", ", which needs ",
        8 * (text.size() + kPaddingBytes),
        " for this name; set chef.sign_version to \"1.3\", or use a longer "
        "key"));
  }
  ASSIGN_OR_RETURN(const std::string signature,
                   sha256 ? SignSha256(key_.get(), text)
                          : EncryptWithPrivateKey(key_.get(), text));

  std::vector<std::pair<std::string, std::string>> headers = {
      {"X-Ops-Sign", std::string(SignHeader(version_))},
      {"X-Ops-Userid", client_name_},
      {"X-Ops-Timestamp", timestamp},
      {"X-Ops-Content-Hash", content_hash},
      {"X-Ops-Server-API-Version", kServerApiVersion},
      {"X-Chef-Version", kChefVersion},
  };
  const std::string encoded = absl::Base64Escape(signature);
  int line_number = 0;
  for (absl::string_view line :
       absl::StrSplit(encoded, absl::ByLength(kAuthorizationLineLength))) {
    headers.emplace_back(absl::StrCat("X-Ops-Authorization-", ++line_number),
                         std::string(line));
  }
  return headers;
}

}  // namespace rehai::chef
