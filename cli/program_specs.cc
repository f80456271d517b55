// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/command_specs.h"

namespace rehai::cli {
namespace {

CommandSpec ConfigShowCommand() {
  return {.name = "config show",
          .summary = "Show what rehaictl would use, and what told it",
          .details =
              "A flag goes before the environment, that before the context, "
              "and that before the\ndefault.",
          .examples = {"rehaictl config show",
                       "rehaictl config show --context lab -o json"}};
}

CommandSpec ConfigContextsCommand() {
  return {.name = "config contexts",
          .summary = "List the contexts of the configuration file",
          .examples = {"rehaictl config contexts",
                       "rehaictl config contexts -o name"}};
}

CommandSpec ConfigUseCommand() {
  return {.name = "config use",
          .arguments = "NAME",
          .min_arguments = 1,
          .max_arguments = 1,
          .summary = "Make a context the current one",
          .examples = {"rehaictl config use lab"},
          .kind = WordKind::kContext};
}

CommandSpec ConfigSetCommand() {
  return {
      .name = "config set",
      .arguments = "NAME",
      .min_arguments = 1,
      .max_arguments = 1,
      .summary = "Make or change a context: what the flags name is kept in it",
      .details =
          R"(Takes --server, --cert, --key, --ca, --token-file and --timeout; an empty value
takes it out. The first context made is the current one.)",
      .examples = {"rehaictl config set lab --server rehai.example.com:7420 "
                   "--cert ops.pem --key ops.key --ca ca.pem",
                   "rehaictl config set lab --timeout 10s"},
      .kind = WordKind::kContext};
}

CommandSpec ConfigDeleteCommand() {
  return {.name = "config delete",
          .arguments = "NAME",
          .min_arguments = 1,
          .max_arguments = 1,
          .summary = "Delete a context",
          .examples = {"rehaictl config delete lab"},
          .kind = WordKind::kContext};
}

CommandSpec CompletionCommand() {
  return {
      .name = "completion",
      .arguments = "bash|zsh|fish",
      .min_arguments = 1,
      .max_arguments = 1,
      .summary = "Print what a shell needs to complete rehaictl's words",
      .details =
          R"(Commands, flags, their values, and the names of hosts, guests, contexts and
resyncs, for which the controller is asked. Of bash in ~/.bashrc:
  source <(rehaictl completion bash)
of zsh in ~/.zshrc, after compinit:
  source <(rehaictl completion zsh)
of fish:
  rehaictl completion fish > ~/.config/fish/completions/rehaictl.fish)",
      .examples = {"rehaictl completion bash", "rehaictl completion zsh",
                   "rehaictl completion fish"},
      .words = {"bash", "zsh", "fish"}};
}

CommandSpec ManCommand() {
  return {.name = "man",
          .arguments = "[COMMAND]",
          .max_arguments = 2,
          .summary = "Print the manual, or a command's page, as man(7) source",
          .examples = {"rehaictl man resync | man -l -", "rehaictl man"}};
}

constexpr char kStateDetails[] =
    R"(Runs rehai-state on this machine, which has to be the controller's: it asks no
controller and takes none of the flags above. DIR is state.dir of its
configuration. It ends with 0, 1 if it could not be done, or 2.)";

CommandSpec StateCheckCommand() {
  return {.name = "state check",
          .arguments = "DIR",
          .min_arguments = 1,
          .max_arguments = 1,
          .summary = "Look for damage in what a controller keeps",
          .details = kStateDetails,
          .examples = {"rehaictl state check /var/lib/rehai"}};
}

CommandSpec StateBackupCommand() {
  return {.name = "state backup",
          .arguments = "DIR FILE",
          .min_arguments = 2,
          .max_arguments = 2,
          .summary = "Copy what a controller keeps, also while it runs",
          .details = kStateDetails,
          .examples = {"rehaictl state backup /var/lib/rehai rehai.backup"}};
}

CommandSpec StateRestoreCommand() {
  return {.name = "state restore",
          .arguments = "FILE DIR",
          .min_arguments = 2,
          .max_arguments = 2,
          .summary = "Put a copy back, while no controller uses the folder",
          .details = kStateDetails,
          .examples = {"rehaictl state restore rehai.backup /var/lib/rehai"}};
}

}  // namespace

std::vector<CommandSpec> ProgramCommands() {
  return {ConfigShowCommand(),  ConfigContextsCommand(), ConfigUseCommand(),
          ConfigSetCommand(),   ConfigDeleteCommand(),   StateCheckCommand(),
          StateBackupCommand(), StateRestoreCommand(),   CompletionCommand(),
          ManCommand()};
}

}  // namespace rehai::cli
