// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/arguments.h"

#include <arpa/inet.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/spelling.h"
#include "base/status_macros.h"

namespace rehai::agent {
namespace {

absl::Status Wrong(absl::string_view flag, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(flag, ": ", what));
}

// ---- what each flag does ----

// Chef's levels, and where ours are fewer the next one.
absl::Status SetLogLevel(const std::string& word, Arguments& out) {
  if (word == "trace" || word == "debug") {
    out.log_level = log::Level::kDebug;
  } else if (word == "info") {
    out.log_level = log::Level::kInfo;
  } else if (word == "auto" || word == "warn") {
    out.log_level = log::Level::kWarning;
  } else if (word == "error" || word == "fatal") {
    out.log_level = log::Level::kError;
  } else {
    return Wrong(absl::StrCat("--log_level ", word),
                 "no such level; auto, trace, debug, info, warn, error or "
                 "fatal");
  }
  return absl::OkStatus();
}

absl::Status SetRenderings(const std::string& words, Arguments& out) {
  chef::RenderingOptions& rendering = out.rendering;
  rendering.kvm_extensions = rendering.ohai_libvirt = rendering.rehai = false;
  for (const absl::string_view word : absl::StrSplit(words, ',')) {
    if (word == "kvm_extensions") {
      rendering.kvm_extensions = true;
    } else if (word == "ohai_libvirt") {
      rendering.ohai_libvirt = true;
    } else if (word == "rehai") {
      rendering.rehai = true;
    } else {
      return Wrong(absl::StrCat("--renderings ", words),
                   absl::StrCat("\"", word,
                                "\" is none; write some of kvm_extensions, "
                                "ohai_libvirt and rehai, with commas between"));
    }
  }
  return absl::OkStatus();
}

absl::Status SetNormalPrefix(const std::string& text, Arguments& out) {
  chef::NodePath& prefix = out.rendering.places.normal_prefix;
  prefix = absl::StrSplit(text, '.');
  if (std::find(prefix.begin(), prefix.end(), "") == prefix.end()) {
    return absl::OkStatus();
  }
  return Wrong(absl::StrCat("--normal_prefix ", text),
               "has an empty part; write it like rehai or site.rehai");
}

absl::Status SetMaxNodeBytes(const std::string& text, Arguments& out) {
  if (absl::SimpleAtoi(text, &out.max_node_bytes) && out.max_node_bytes > 0) {
    return absl::OkStatus();
  }
  return Wrong(absl::StrCat("--max_node_bytes ", text),
               "not a whole number above zero; write it as 1000000");
}

// A name other than localhost is not looked up: what it means may change.
bool IsOnThisMachine(const std::string& controller) {
  if (absl::StartsWith(controller, "unix:")) return true;
  std::string host = controller.substr(0, controller.rfind(':'));
  if (host == "localhost") return true;
  in_addr v4 = {};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24) == 127;
  }
  return host == "[::1]";
}

// host:port as gRPC takes it.
absl::Status SetController(const std::string& text, Arguments& out) {
  const size_t colon = text.rfind(':');
  int port = 0;
  const bool is_socket = absl::StartsWith(text, "unix:/");
  if (!is_socket && (colon == text.npos || colon == 0 ||
                     !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
                     port <= 0 || port > 65535)) {
    return Wrong(absl::StrCat("--controller ", text),
                 "is not HOST:PORT, [IPV6]:PORT or unix:/PATH; write it as "
                 "rehai.example.com:7422");
  }
  out.controller = text;
  return absl::OkStatus();
}

absl::Status AddOhaiPluginPath(const std::string& folder, Arguments& out) {
  if (folder.front() != '/') {
    return Wrong(absl::StrCat("--ohai_plugin_path ", folder),
                 "is not absolute; write it from /");
  }
  out.ohai_request.plugin_folders.push_back(folder);
  return absl::OkStatus();
}

absl::Status SetOhaiPlugins(const std::string& words, Arguments& out) {
  out.ohai_request.attributes = absl::StrSplit(words, ',');
  for (const std::string& word : out.ohai_request.attributes) {
    if (!word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
          return absl::ascii_isalnum(c) || c == '_';
        })) {
      continue;
    }
    return Wrong(absl::StrCat("--ohai_plugins ", words),
                 "not a list of top-level attributes; write it like "
                 "virtualization,network");
  }
  return absl::OkStatus();
}

absl::Status SetOhaiTimeout(const std::string& text, Arguments& out) {
  if (absl::ParseDuration(text, &out.ohai_request.timeout) &&
      out.ohai_request.timeout > absl::ZeroDuration() &&
      out.ohai_request.timeout != absl::InfiniteDuration()) {
    return absl::OkStatus();
  }
  return Wrong(absl::StrCat("--ohai_timeout ", text),
               "not a time above zero; write it like 90s or 2m");
}

using Setter = std::function<absl::Status(const std::string&, Arguments&)>;

// Of a flag that takes whatever it is given.
Setter Always(void (*assign)(const std::string& value, Arguments& out)) {
  return [assign](const std::string& value, Arguments& out) {
    assign(value, out);
    return absl::OkStatus();
  };
}

struct Flag {
  char letter = '\0';  // of its short form, if it has one
  absl::string_view name;
  absl::string_view value;  // empty: it takes none
  absl::string_view meaning;
  Setter set;
  bool is_repeatable = false;
};

// What to do.
std::vector<Flag> TaskFlags() {
  return {
      {'\0', "once", "",
       "Read the hypervisor, write this host's node, say what has changed, and "
       "end.",
       Always([](const auto&, Arguments& out) { out.once = true; })},
      {'\0', "dry_run", "", "Write nothing; say what would change.",
       Always([](const auto&, Arguments& out) { out.dry_run = true; })},
      {'\0', "uri", "URI",
       "The hypervisor, as libvirt names it. Default: qemu:///system.",
       Always([](const auto& value, Arguments& out) { out.uri = value; })},
  };
}

// Where to report, without --once.
std::vector<Flag> ControllerFlags() {
  return {
      {'\0', "controller", "HOST:PORT",
       "Watch the hypervisor and report to this controller, until told to "
       "end. unix:/PATH is understood too.",
       SetController},
      {'\0', "controller_ca", "FILE",
       "Who signed the controller's certificate: PEM.",
       Always([](const auto& value, Arguments& out) {
         out.controller_ca = value;
       })},
      {'\0', "controller_name", "NAME",
       "The name in the controller's certificate. Default: that of "
       "--controller.",
       Always([](const auto& value, Arguments& out) {
         out.controller_name = value;
       })},
      {'\0', "certificate", "FILE",
       "This agent's certificate, PEM. Default: enrol with the client key for "
       "one, and keep it renewed.",
       Always(
           [](const auto& value, Arguments& out) { out.certificate = value; })},
      {'\0', "certificate_key", "FILE", "The key of --certificate, PEM.",
       Always([](const auto& value, Arguments& out) {
         out.certificate_key = value;
       })},
      {'\0', "state_folder", "DIR",
       "Keep the certificate that was enrolled for in here. Default: "
       "/var/lib/rehai-agent.",
       Always([](const auto& value, Arguments& out) {
         out.state_folder = value;
       })},
      {'\0', "plaintext", "",
       "Speak to the controller in clear, if it is on this machine.",
       Always([](const auto&, Arguments& out) { out.plaintext = true; })},
      {'\0', "plaintext_anywhere", "",
       "Let --plaintext go to other machines, where everybody in between can "
       "read and change it.",
       Always(
           [](const auto&, Arguments& out) { out.plaintext_anywhere = true; })},
  };
}

// Whose node, and whom to talk to.
std::vector<Flag> ChefFlags() {
  return {
      {'c', "config", "FILE",
       "chef-client's own configuration; the client.d beside it is read too. "
       "Default: /etc/chef/client.rb.",
       Always([](const auto& value, Arguments& out) {
         out.chef.set_knife_file(value);
       })},
      {'N', "node_name", "NAME",
       "This host's node, and the client to sign as. Default: node_name in "
       "--config, or else the host's full name.",
       Always([](const auto& value, Arguments& out) {
         out.chef.set_client_name(value);
       })},
      {'S', "server", "URL",
       "The Chef server, with /organizations/NAME if it has organisations. "
       "Default: chef_server_url in --config.",
       Always([](const auto& value, Arguments& out) {
         out.chef.set_server_url(value);
       })},
      {'k', "client_key", "FILE",
       "The client's private key. Default: client_key in --config, or else "
       "/etc/chef/client.pem.",
       Always([](const auto& value, Arguments& out) {
         out.chef.set_client_key_file(value);
       })},
      {'\0', "ca_file", "FILE",
       "Trust these certificates, whatever --config says.",
       Always([](const auto& value, Arguments& out) {
         out.chef.set_ca_file(value);
       })},
      {'\0', "trusted_certs_dir", "FOLDER",
       "Trust the certificates in here, whatever --config says. Default: "
       "ssl_ca_file and trusted_certs_dir in --config, or else trusted_certs "
       "beside it if there are any in there, or else the system's.",
       Always([](const auto& value, Arguments& out) {
         out.chef.set_trusted_certs_dir(value);
       })},
  };
}

// What to write, and where.
std::vector<Flag> RenderingFlags() {
  return {
      {'\0', "renderings", "LIST",
       "What to write: some of kvm_extensions, ohai_libvirt and rehai, with "
       "commas between. With --controller: what is kept for Ohai's plugin in "
       "--state_folder, as the controller writes it. Default: "
       "kvm_extensions,rehai.",
       SetRenderings},
      {'\0', "volatile_values", "",
       "Write what changes all the time too: CPU time, free memory. Then "
       "hardly a run finds its node unchanged.",
       Always([](const auto&, Arguments& out) {
         out.rendering.volatile_values = true;
       })},
      {'\0', "normal_prefix", "PATH",
       "Write into the node's normal attributes too, below this path: there a "
       "chef-client run keeps them.",
       SetNormalPrefix},
      {'\0', "no_automatic", "", "Do not write into the automatic attributes.",
       Always([](const auto&, Arguments& out) {
         out.rendering.places.automatic = false;
       })},
      {'\0', "max_node_bytes", "N",
       "Leave a node alone that would be larger. Default: 1000000.",
       SetMaxNodeBytes},
  };
}

// What Ohai has to do with it.
std::vector<Flag> OhaiFlags() {
  return {
      {'\0', "ohai", "",
       "Run Ohai, and write every top-level attribute that it finds. The "
       "hypervisor is read too only if --renderings is given.",
       Always([](const auto&, Arguments& out) { out.ohai = true; })},
      {'\0', "ohai_path", "FILE",
       "The program. Default: ohai in $PATH, or where Chef's packages have it.",
       Always([](const auto& value, Arguments& out) {
         out.ohai_request.path = value;
       })},
      {'\0', "ohai_plugin_path", "FOLDER",
       "Find plugins in here, too. May be given several times.",
       AddOhaiPluginPath, /*is_repeatable=*/true},
      {'\0', "ohai_plugins", "LIST",
       "Run only the plugins that provide these attributes, with commas "
       "between. Each must be an object: virtualization, not hostname.",
       SetOhaiPlugins},
      {'\0', "ohai_timeout", "TIME",
       "End Ohai if it takes longer. Default: 2m.", SetOhaiTimeout},
      {'\0', "ohai_time", "",
       "Write ohai_time, too, by which others tell when chef-client last ran.",
       Always([](const auto&, Arguments& out) { out.ohai_time = true; })},
  };
}

std::vector<Flag> ProcessFlags() {
  return {
      {'l', "log_level", "LEVEL",
       "auto, trace, debug, info, warn, error or fatal. Default: warn with "
       "--once, or else info.",
       SetLogLevel},
      {'L', "logfile", "FILE",
       "Append log and errors to this file. Default: standard error.",
       Always([](const auto& value, Arguments& out) { out.log_file = value; })},
      {'\0', "allow_core_dumps", "",
       "Let the system write core dumps. They hold the private key: use a key "
       "that can be thrown away afterwards.",
       Always(
           [](const auto&, Arguments& out) { out.allow_core_dumps = true; })},
      {'h', "help", "", "Print this.",
       Always([](const auto&, Arguments& out) { out.help = true; })},
  };
}

const std::vector<Flag>& Flags() {
  static const auto* const flags = [] {
    auto* const all = new std::vector<Flag>();
    for (const auto& part : {TaskFlags(), ControllerFlags(), ChefFlags(),
                             RenderingFlags(), OhaiFlags(), ProcessFlags()}) {
      all->insert(all->end(), part.begin(), part.end());
    }
    return all;
  }();
  return *flags;
}

// ---- the words ----

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& words)
      : next_(words.begin()), end_(words.end()) {}

  absl::StatusOr<Arguments> Parse() {
    arguments_.rendering.kvm_extensions = true;
    while (next_ != end_) {
      const std::string word = *next_++;
      if (absl::StartsWith(word, "--") && word.size() > 2) {
        RETURN_IF_ERROR(TakeLong(word));
      } else if (absl::StartsWith(word, "-") && word.size() > 1) {
        RETURN_IF_ERROR(TakeLetter(word));
      } else {
        return Wrong(word,
                     "not a flag, and everything is given by flags; see "
                     "--help");
      }
    }
    if (arguments_.ohai && given_.count("renderings") == 0) {
      arguments_.rendering.kvm_extensions = false;
      arguments_.rendering.rehai = false;
    }
    if (!arguments_.help) {
      RETURN_IF_ERROR(CheckWhole());
      RETURN_IF_ERROR(CheckOhai());
    }
    if (!arguments_.once && !given_.contains("log_level")) {
      arguments_.log_level = log::Level::kInfo;
    }
    if (arguments_.chef.knife_file().empty()) {
      arguments_.chef.set_knife_file("/etc/chef/client.rb");
    }
    return arguments_;
  }

 private:
  absl::Status TakeLong(const std::string& word) {
    const size_t equals = word.find('=');
    const std::string name =
        absl::StrReplaceAll(word.substr(2, equals - 2), {{"-", "_"}});
    for (const Flag& flag : Flags()) {
      if (flag.name != name) continue;
      if (equals == word.npos) return TakeValue(flag, word);
      if (flag.value.empty()) return Wrong(word, "this flag takes no value");
      return Set(flag, word.substr(0, equals), word.substr(equals + 1));
    }
    std::vector<std::string> names;
    for (const Flag& flag : Flags()) names.emplace_back(flag.name);
    const std::string meant = ClosestWord(name, names);
    return Wrong(word.substr(0, equals),
                 meant.empty() ? "no such flag; --help lists them"
                               : absl::StrCat("no such flag; did you mean --",
                                              meant, "?"));
  }

  // -c FILE or -cFILE.
  absl::Status TakeLetter(const std::string& word) {
    for (const Flag& flag : Flags()) {
      if (flag.letter != word[1]) continue;
      if (word.size() == 2) return TakeValue(flag, word);
      if (flag.value.empty()) return Wrong(word, "this flag takes no value");
      return Set(flag, word.substr(0, 2), word.substr(2));
    }
    return Wrong(word, "no such flag; --help lists them");
  }

  absl::Status TakeValue(const Flag& flag, const std::string& spelled) {
    if (flag.value.empty()) {
      given_.insert(flag.name);
      return flag.set("", arguments_);
    }
    if (next_ == end_) return Set(flag, spelled, "");
    return Set(flag, spelled, *next_++);
  }

  absl::Status Set(const Flag& flag, const std::string& spelled,
                   const std::string& value) {
    if (value.empty()) {
      return Wrong(spelled, absl::StrCat("its value is missing; write ",
                                         spelled, " ", flag.value));
    }
    if (!given_.insert(flag.name).second && !flag.is_repeatable) {
      return Wrong(spelled, "given twice; give it once");
    }
    return flag.set(value, arguments_);
  }

  // What no flag says by itself.
  absl::Status CheckWhole() const {
    if (arguments_.once) return CheckOnce();
    return CheckDaemon();
  }

  absl::Status CheckOnce() const {
    const chef::Places& places = arguments_.rendering.places;
    if (!places.automatic && places.normal_prefix.empty()) {
      return Wrong("--no_automatic",
                   "then nothing would be written; give --normal_prefix too");
    }
    for (const Flag& flag : ControllerFlags()) {
      if (!given_.contains(flag.name)) continue;
      return Wrong(absl::StrCat("--", flag.name),
                   "there is no controller with --once; leave one of them out");
    }
    return absl::OkStatus();
  }

  absl::Status CheckDaemon() const {
    if (arguments_.controller.empty()) {
      return Wrong("--controller",
                   "is missing; say where to report, or --once to write this "
                   "host's node and end");
    }
    for (const absl::string_view name :
         {"dry_run", "volatile_values", "normal_prefix", "no_automatic",
          "max_node_bytes"}) {
      if (!given_.contains(name)) continue;
      return Wrong(absl::StrCat("--", name),
                   "with --controller the controller writes the node, as its "
                   "configuration says; leave this out");
    }
    if (arguments_.certificate.empty() != arguments_.certificate_key.empty()) {
      return Wrong("--certificate",
                   "certificate and key go together; give --certificate_key "
                   "too, or neither");
    }
    if (arguments_.plaintext) return CheckPlaintext();
    if (arguments_.controller_ca.empty()) {
      return Wrong("--controller_ca",
                   "is missing; name the file of who signed the controller's "
                   "certificate");
    }
    return absl::OkStatus();
  }

  absl::Status CheckPlaintext() const {
    for (const absl::string_view name :
         {"controller_ca", "controller_name", "certificate"}) {
      if (!given_.contains(name)) continue;
      return Wrong(absl::StrCat("--", name),
                   "means nothing in clear; leave it or --plaintext out");
    }
    if (arguments_.plaintext_anywhere ||
        IsOnThisMachine(arguments_.controller)) {
      return absl::OkStatus();
    }
    return Wrong(absl::StrCat("--controller ", arguments_.controller),
                 "is on another machine, and --plaintext protects nothing; "
                 "give --controller_ca in its place, or, if that is what you "
                 "want, --plaintext_anywhere too");
  }

  absl::Status CheckOhai() const {
    if (!arguments_.ohai) {
      if (!arguments_.ohai_time) return absl::OkStatus();
      return Wrong("--ohai_time", "goes with --ohai; give that too");
    }
    if (!arguments_.once) {
      return Wrong("--ohai", "goes with --once; give that too");
    }
    if (arguments_.ohai_time && !arguments_.ohai_request.attributes.empty()) {
      return Wrong("--ohai_time",
                   "would say that all was found now; leave --ohai_plugins or "
                   "this out");
    }
    if (given_.count("renderings") > 0) return absl::OkStatus();
    const chef::RenderingOptions& rendering = arguments_.rendering;
    const char* const pointless =
        rendering.volatile_values                 ? "--volatile_values"
        : !rendering.places.normal_prefix.empty() ? "--normal_prefix"
        : !rendering.places.automatic             ? "--no_automatic"
                                                  : nullptr;
    if (pointless == nullptr) return absl::OkStatus();
    return Wrong(pointless,
                 "is about --renderings, and with --ohai there are none unless "
                 "they are given");
  }

  std::vector<std::string>::const_iterator next_;
  const std::vector<std::string>::const_iterator end_;
  std::set<absl::string_view> given_;
  Arguments arguments_;
};

// `text` in lines of at most `width`, each after `indent` spaces.
std::string Wrapped(absl::string_view text, size_t indent, size_t width) {
  std::string out;
  std::string line(indent, ' ');
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (line.size() > indent && line.size() + 1 + word.size() > width) {
      absl::StrAppend(&out, line, "\n");
      line.assign(indent, ' ');
    }
    absl::StrAppend(&line, line.size() > indent ? " " : "", word);
  }
  return absl::StrCat(out, line, "\n");
}

}  // namespace

absl::StatusOr<Arguments> ParseArguments(
    const std::vector<std::string>& words) {
  return Parser(words).Parse();
}

std::string Usage() {
  std::string text =
      "Brings this host's Chef node up to date with its guests: once, as the "
      "host's\nown Chef client and without a chef-client run; or, for as long "
      "as it runs, by\nreporting to a controller.\n\n"
      "  rehai-agent --once\n"
      "  rehai-agent --once --dry_run -c /etc/chef/client.rb\n"
      "  rehai-agent --controller rehai.example.com:7422 "
      "--controller_ca ca.pem\n\n"
      "Ends with 0 if the node is as it should be, or if it was told to end; 1 "
      "if it\ncould not do what it is for; 2 if the flags or the configuration "
      "are no good.\n\n";
  for (const Flag& flag : Flags()) {
    absl::StrAppend(&text, "  ",
                    flag.letter == '\0' ? std::string("    ")
                                        : absl::StrFormat("-%c, ", flag.letter),
                    "--", flag.name, flag.value.empty() ? "" : " ", flag.value,
                    "\n", Wrapped(flag.meaning, 10, 78));
  }
  return text;
}

}  // namespace rehai::agent
