// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/libvirt_errors.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace rehai::hypervisor {
namespace {

// A transport's failure, recognised by its text.
struct KnownText {
  absl::string_view text;      // case counts
  absl::string_view and_text;  // also in it; may be empty
  absl::StatusCode code;
  absl::string_view what;  // empty: libvirt's own words say it
  absl::string_view remedy;
};

constexpr absl::StatusCode kUnauthenticated =
    absl::StatusCode::kUnauthenticated;
constexpr absl::StatusCode kUnavailable = absl::StatusCode::kUnavailable;
constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

// The first that matches counts.
constexpr KnownText kKnownTexts[] = {
    {"REMOTE HOST IDENTIFICATION HAS CHANGED", "", kUnauthenticated,
     "the ssh host key is not the one we know: the host was reinstalled, or "
     "another machine answers in its place",
     "if the new key is right, replace the old one in known_hosts "
     "(ssh-keygen -R HOST, then add the new key)"},
    {"host key is known for", "", kUnauthenticated,
     "the ssh host key is not known",
     "verify the key and add it to known_hosts (ssh-keyscan HOST)"},
    {"Host key verification failed", "", kUnauthenticated,
     "the ssh host key is not known",
     "verify the key and add it to known_hosts (ssh-keyscan HOST)"},
    {"Failed to connect socket to", "Permission denied", kUnauthenticated, "",
     "give this user access to the daemon's socket (group libvirt)"},
    {"Permission denied", "", kUnauthenticated, "",
     "check the user in the URI and that its authorized_keys has our key, "
     "which "
     "must have no passphrase"},
    {"Too many authentication failures", "", kUnauthenticated, "",
     "name the one key to use (keyfile= in the URI, or IdentitiesOnly in the "
     "ssh "
     "configuration)"},
    {"cannot execute binary", "", kInvalid, "",
     "command= in the URI must be the path of one executable file"},
    {"Identity file", "not accessible", kInvalid, "",
     "correct keyfile= in the URI"},
    {"ertificate", "", kUnauthenticated, "",
     "check our and the host's TLS certificates (pkipath= in the URI)"},
    {"Could not resolve hostname", "", kUnavailable, "",
     "check the host's name and DNS"},
    {"Name or service not known", "", kUnavailable, "",
     "check the host's name and DNS"},
    {"not found", "sh: ", kUnavailable, "",
     "install libvirt's virt-ssh-helper or netcat on the host"},
    {"Failed to connect socket to", "No such file", kUnavailable, "",
     "start the libvirt daemon, or correct socket= in the URI"},
    {"nc: ", "", kUnavailable, "", "start the libvirt daemon on the host"},
    {"Connection refused", "", kUnavailable, "",
     "check that the host is up and its daemon (sshd, libvirtd) listens there"},
    {"timed out", "", kUnavailable, "",
     "check that the host is up and reachable"},
    {"No route to host", "", kUnavailable, "",
     "check that the host is up and reachable"},
    {"kex_exchange_identification", "", kUnavailable, "",
     "sshd is overloaded (MaxStartups) or refuses this address"},
    {"keepalive timeout", "", kUnavailable, "the hypervisor stopped answering",
     "check its libvirt daemon and network"},
};

// One line, without libvirt's wrapping around what ssh said.
std::string Words(const virError& error) {
  std::string words = error.message == nullptr ? "" : error.message;
  absl::RemoveExtraAsciiWhitespace(&words);
  absl::string_view rest = words;
  for (const absl::string_view wrapping :
       {"Cannot recv data: ", "End of file while reading data: ",
        "internal error: ", "invalid argument: ", "libvirt: error : "}) {
    absl::ConsumePrefix(&rest, wrapping);
  }
  for (const absl::string_view wrapping :
       {": Connection reset by peer", ": Input/output error"}) {
    absl::ConsumeSuffix(&rest, wrapping);
  }
  if (rest.empty()) return absl::StrCat("libvirt error ", error.code);
  return std::string(rest);
}

absl::StatusCode CodeOf(const virError& error, absl::string_view words) {
  switch (error.code) {
    case VIR_ERR_NO_DOMAIN:
    case VIR_ERR_NO_NETWORK:
    case VIR_ERR_NO_STORAGE_POOL:
    case VIR_ERR_NO_STORAGE_VOL:
      return absl::StatusCode::kNotFound;
    case VIR_ERR_NO_SUPPORT:
      return absl::StatusCode::kUnimplemented;
    case VIR_ERR_NO_CONNECT:
      // libvirt says the same when libssh2 gets no answer.
      return absl::StrContains(words, "SSH session") ? kUnavailable : kInvalid;
    case VIR_ERR_INVALID_ARG:
    case VIR_ERR_XML_ERROR:
    case VIR_ERR_CONF_SYNTAX:
      return kInvalid;
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_CANCELLED:
    case VIR_ERR_AUTH_UNAVAILABLE:
      return kUnauthenticated;
    case VIR_ERR_OPERATION_DENIED:
    case VIR_ERR_ACCESS_DENIED:
      return absl::StatusCode::kPermissionDenied;
    default:
      // A URI that does not parse is an "internal error" to libvirt.
      return absl::StrContains(words, "Unable to parse URI") ? kInvalid
                                                             : kUnavailable;
  }
}

absl::string_view RemedyOf(absl::StatusCode code) {
  switch (code) {
    case kInvalid:
      return "; correct the URI";
    case kUnauthenticated:
      return "; check the key or password that this URI uses";
    default:
      return "";
  }
}

}  // namespace

absl::Status FromLibvirtError(const virError& error,
                              absl::string_view subject) {
  const std::string words = Words(error);
  const absl::StatusCode code = CodeOf(error, words);
  if (code == kUnavailable || code == kUnauthenticated) {
    for (const KnownText& known : kKnownTexts) {
      if (!absl::StrContains(words, known.text)) continue;
      if (!absl::StrContains(words, known.and_text)) continue;
      const absl::string_view what = known.what.empty() ? words : known.what;
      return absl::Status(
          known.code, absl::StrCat(subject, ": ", what, "; ", known.remedy));
    }
  }
  return absl::Status(code, absl::StrCat(subject, ": ", words, RemedyOf(code)));
}

absl::Status LastLibvirtError(absl::string_view subject) {
  const virError* error = virGetLastError();
  if (error == nullptr) {
    return absl::UnavailableError(
        absl::StrCat(subject, ": libvirt failed and did not say why"));
  }
  return FromLibvirtError(*error, subject);
}

}  // namespace rehai::hypervisor
