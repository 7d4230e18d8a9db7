#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>
#include <string_view>

#include "app/cli/context.hpp"

namespace sigillo::cli {
namespace {

struct Example {
  std::string_view command;    // "keys generate"
  std::string_view arguments;  // what follows it on the line
};

// One for each command, as somebody would type it who follows docs/operating/getting-started.md.
constexpr std::array kExamples = {
    Example{"init", "--origin example.com/audit --actor \"Example AI\""},
    Example{"keys generate", "release --algorithm watermark"},
    Example{"keys list", "--json"},
    Example{"keys import", "release --from-file key.txt"},
    Example{"keys export", "log --format vkey"},
    Example{"keys rotate", "owner-2027"},
    Example{"keys revoke", "owner-2026"},
    Example{"record role-declaration",
            "--actor \"Example AI\" --role system_provider --jurisdiction EU"},
    Example{"record placement",
            "--system assistant --actor \"Example AI\" --market EU --modality text --placed-on "
            "2026-05-01"},
    Example{"record marking-config",
            "--system assistant --modality text --layer watermark --scheme vllm-gumbel --key-id "
            "release --applied-at inference"},
    Example{"record detector-release",
            "--system assistant --scheme vllm-gumbel --form api --url https://example.com/verify"},
    Example{"record exemption-claim",
            "--system assistant --rule EU50-2x --ground assistive_editing --attested-by counsel"},
    Example{"record notification",
            "--model assistant-3 --kind art52 --known-on 2026-10-01 --sent-on 2026-10-10 "
            "--recipient \"AI Office\""},
    Example{"dataset seal",
            "corpus --name corpus --license CC-BY-4.0 --source https://example.com/corpus"},
    Example{"run", "--model assistant --dataset corpus --output model -- ./train.sh corpus model"},
    Example{"model release", "model --name assistant-3 --system assistant --model assistant"},
    Example{"outputs record",
            "samples --release assistant-3 --key release --tokenizer model/tokenizer.json"},
    Example{"text detect", "letter.txt --key release --tokenizer model/tokenizer.json"},
    Example{"log append", "records.jsonl"},
    Example{"log show", "5"},
    Example{"log list", "--subject chat --since 2026-11-01"},
    Example{"log checkpoint", "> checkpoint.txt"},
    Example{"log cosign", "--policy witnesses.policy --output checkpoint.txt"},
    Example{"log stamp", "--tsa https://tsa.example.com --tsa-roots tsa-roots.pem"},
    Example{"log stamps", "--tsa-roots tsa-roots.pem"},
    Example{"log sigstore-bundle",
            "5 --output entry-5.sigstore.json --trusted-root trusted-root.json "
            "--tsa https://tsa.example.com --tsa-roots tsa-roots.pem"},
    Example{"log cose-receipt", "5 --output entry-5.cose"},
    Example{
        "log verify-cose",
        "entry-5.cose --leaf entry-5.json --key \"$(cat cose.key)\" --origin example.com/audit"},
    Example{"log prove", "5 --output entry-5.tlog-proof"},
    Example{"log verify-proof",
            "entry-5.tlog-proof --leaf entry-5.json --log-key \"$(cat log.vkey)\""},
    Example{"log verify-consistency", "checkpoint.txt growth.proof --log-key \"$(cat log.vkey)\""},
    Example{"log fsck", "--log-key \"$(cat log.vkey)\" --since checkpoint.txt"},
    Example{"log export", "public/log"},
    Example{"log verify-tiles", "public/log --log-key \"$(cat log.vkey)\" --since checkpoint.txt"},
    Example{"log resume", "--since checkpoint"},
    Example{"log rotate", "--origin example.com/audit/2027"},
    Example{"log shards", "--json"},
    Example{"log prune", "--dry-run"},
    Example{"log handovers", "--output handovers.json"},
    Example{"log verify-handovers", "handovers.json --log-key \"$(cat log.vkey)\""},
    Example{"gate", "--pack eu-ai-act --as-of 2026-12-03 --release assistant-3"},
    Example{"policy list", "--json"},
    Example{"policy test", "--pack eu-ai-act"},
    Example{"policy lint", "--pack eu-ai-act"},
    Example{"policy explain", "--pack eu-ai-act EU50-2m"},
    Example{"policy facts", "ev1_releases"},
    Example{"compute estimate", "--cluster memphis --days 100 --mfu 0.4 --start 2024-07-22"},
    Example{"compute clusters", "--json"},
    Example{"compute accelerators", "--json"},
    Example{"bundle export", "--output audit.tar --pack eu-ai-act --as-of 2026-12-03"},
    Example{"bundle verify", "audit.tar --log-key \"$(cat log.vkey)\""},
    Example{"backup", "sigillo-backup.tar"},
    Example{"restore", "sigillo-backup.tar --to restored --since checkpoint.txt"},
    Example{"migrate", ""},
    Example{"doctor", ""},
    Example{"lineage", "assistant-3 --direction ancestors --format svg > lineage.svg"},
    Example{"report art50", "--pack eu-ai-act --release assistant-3 --output report.html"},
    Example{"report verify", "report.html --key FINGERPRINT"},
    Example{"serve", "--detector release:vllm-gumbel:model/tokenizer.json"},
    Example{"tokens create", "newsroom --scope verify --days 90"},
    Example{"tokens list", "--json"},
    Example{"tokens revoke", "3f2a9c01"},
    Example{"record legal-hold", "--hold \"case 17\" --state placed --reason \"order of a court\""},
    Example{"values list", "--field user"},
    Example{"values erase",
            "--entry 7 --field user --reason \"request 17\" --basis \"GDPR Art. 17(1)(b)\""},
    Example{"witness init", "w1 --name witness.example.com/w1"},
    Example{"witness watch", "w1 \"$(cat log.vkey)\""},
    Example{"witness key", "w1"},
    Example{"witness serve", "w1 --listen 127.0.0.1:8081"},
    Example{"completion", "bash > /etc/bash_completion.d/sigillo"},
};

void add_to(CLI::App& command, const std::string& path) {
  for (CLI::App* child : command.get_subcommands(nullptr))
    add_to(*child, path.empty() ? child->get_name() : path + " " + child->get_name());
  for (const Example& example : kExamples) {
    if (example.command != path) continue;
    const std::string footer = command.get_footer();
    command.footer(fmt::format("{}{}Example:\n  sigillo {}{}{}", footer, footer.empty() ? "" : "\n",
                               path, example.arguments.empty() ? "" : " ", example.arguments));
  }
}

}  // namespace

void add_examples(Command app) { add_to(app.app(), ""); }

}  // namespace sigillo::cli
