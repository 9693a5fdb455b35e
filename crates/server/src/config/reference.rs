//! The reference of all settings, made from the settings themselves.

use std::fmt::Write as _;

use clap::{Arg, Args as _, Command};

use super::sections::{Common, Sections};

const PREFACE: &str = "\
# Settings

Every setting of MegaRouter can be given in the configuration file, in an environment variable, or
as a flag; a flag wins over the environment, the environment over the file. The file is `--config
FILE`, or `config.yaml` in the data folder if there is one. An unknown field or a wrong value stops
the start (exit code 78) and names the line and the field.

```yaml
proxy:
  port: 4180
web:
  enabled: true
log:
  level: info
```

The same with flags: `megarouter-server serve --proxy-port 4180 --web true --log-level info`.

The passphrase of the encrypted secrets file comes from the environment variable
`MEGAROUTER_SECRETS_PASSPHRASE`, or from the file that `secrets.passphrase_file` names; there is no
flag for it, because every user of a machine can read the flags of its programs.

Where the way out of a network is an HTTP proxy, `upstream.proxy` names it. Calls of providers, tests
and looks at their models, and refreshes of the catalogue go through it, those to `https` addresses
in a tunnel (`CONNECT`); servers on this machine are always called directly. Nothing is taken from
`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` or `NO_PROXY`. A name and password go into the address, and
are never printed or logged; write them into the file or the environment, because every user of a
machine can read the flags of its programs.

`hub.database_url` makes this program one node of a hub: several `serve` processes that share
settings, budgets and figures in a PostgreSQL database, see [SCALING.md](SCALING.md). It usually holds
a password, so give it in the environment or in a file; it is never printed or logged. Only `serve`
takes it: the window and people's own programs hold no credentials of a database.

Copies of the ledger are made once a day, read back before they count, and kept for a week. With the
environment variable `MEGAROUTER_BACKUP_PASSPHRASE` they are encrypted; without the passphrase nobody
can read them, so keep it elsewhere too. `megarouter-server ledger restore` brings one back.

The exit code is 0 after a stop by SIGTERM or SIGINT, 78 when the configuration cannot be used, and
1 for everything else, such as a port that is taken.

## Setup

Settings say how the program runs. What it routes (providers, models with prices and aliases, keys)
is kept in the data folder and edited in the window, or declared in a file:
`megarouter-server apply -f setup.yaml`. The file is applied as a whole or not at all, and applying
it twice is as applying it once. `--dry-run` says what would change; `--prune` also removes what the
file does not name. It works with and without a running MegaRouter.

```yaml
SETUP```

Prices are in USD per million tokens. A deployment without a price has unknown cost, which is shown
as such; a local provider without one costs nothing. `credential: {env: NAME}` is read by the
running MegaRouter at its start; `store: {env: NAME}` and a key's `secret: {env: NAME}` are read by
`apply`, once.

## All settings

";

const SETUP: &str = "\
providers:
- name: openai
  kind: openai
  credential: {env: OPENAI_API_KEY}
- name: box
  kind: openai_compatible
  base_url: http://127.0.0.1:8000/v1
  credential: {store: {env: BOX_KEY}}
- name: local
  kind: ollama
models:
- name: gpt-5-mini
  aliases: [fast]
  deployments:
  - provider: openai
    price: {input: 0.25, output: 2.00, cached_read: 0.025, source: openai.com/api/pricing 2026-11-01}
  - provider: local
    upstream_model: qwen3:4b
    max_output_tokens: 4096
keys:
- name: ci
  secret: {env: CI_KEY}
  models: [gpt-5-mini]
  expires_at: 2027-12-31T00:00:00Z
";

/// The settings as they stand in `docs/CONFIGURATION.md`.
pub fn markdown() -> String {
    let mut text = PREFACE.replace("SETUP", SETUP);
    text.push_str("| in the file | flag | environment | meaning |\n|---|---|---|---|\n");
    for setting in settings().get_arguments() {
        let flag = setting.get_long().map(|flag| format!("`--{flag}`")).unwrap_or_default();
        let variable = setting.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
        let meaning = setting.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
        let place = if setting.get_id() == "config" { String::new() } else { format!("`{}`", setting.get_id()) };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| {place} | {flag} | {variable} | {meaning}. |");
    }
    text
}

fn settings() -> Command {
    let command = Sections::augment_args(Common::augment_args(Command::new("settings")));
    command.mut_args(|setting: Arg| setting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::File;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFIGURATION.md");

    #[test]
    fn the_document_is_up_to_date() {
        let written = std::fs::read_to_string(DOCUMENT).unwrap();
        assert_eq!(written, markdown(), "run `cargo xtask gen`");
    }

    #[test]
    fn the_example_of_a_setup_can_be_read() {
        let setup = crate::setup::file::Setup::parse(SETUP).unwrap();
        assert_eq!((setup.providers.len(), setup.models.len(), setup.keys.len()), (3, 1, 1));
    }

    #[test]
    fn every_setting_can_stand_in_the_file_and_has_flag_variable_and_meaning() {
        for setting in settings().get_arguments().filter(|setting| setting.get_id() != "config") {
            let id = setting.get_id().as_str();
            let text = match id.split_once('.') {
                Some((section, field)) => format!("{section}:\n  {field}: null\n"),
                None => format!("{id}: null\n"),
            };
            assert!(File::parse(&text).is_ok(), "{id} is not a field of the file: {:?}", File::parse(&text));
            assert!(setting.get_long().is_some() && setting.get_help().is_some(), "{id}");
            let variable = setting.get_env().unwrap().to_str().unwrap();
            assert!(variable.starts_with("MEGAROUTER_"), "{variable}");
        }
    }

    const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");

    /// Secrets that have no setting, so that no flag can show them.
    const SECRETS: [&str; 2] = ["MEGAROUTER_SECRETS_PASSPHRASE", "MEGAROUTER_BACKUP_PASSPHRASE"];

    /// The variables of ours that a text names.
    fn variables(text: &str) -> Vec<&str> {
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        words.filter(|word| word.starts_with("MEGAROUTER_")).collect()
    }

    #[test]
    fn deployments_and_documents_name_variables_that_exist() {
        let settings = settings();
        let known = |name: &str| {
            SECRETS.contains(&name)
                || settings.get_arguments().any(|setting| setting.get_env().is_some_and(|env| env == name))
        };
        for file in ["Containerfile", "kubernetes/statefulset.yaml", "../docs/SCALING.md", "../README.md"] {
            let text = std::fs::read_to_string(format!("{DEPLOY}/{file}")).unwrap();
            let named = variables(&text);
            assert!(!named.is_empty(), "{file}");
            let unknown: Vec<_> = named.into_iter().filter(|name| !known(name)).collect();
            assert!(unknown.is_empty(), "{file}: {unknown:?}");
        }
    }

    #[test]
    fn the_files_of_the_config_map_can_be_read_and_its_pods_live_long_enough_to_stop() {
        #[derive(serde::Deserialize)]
        struct ConfigMap {
            data: std::collections::HashMap<String, String>,
        }
        let text = std::fs::read_to_string(format!("{DEPLOY}/kubernetes/configmap.yaml")).unwrap();
        let map: ConfigMap = serde_saphyr::from_str(&text).unwrap();
        File::parse(&map.data["config.yaml"]).unwrap();
        crate::setup::file::Setup::parse(&map.data["setup.yaml"]).unwrap();
        let number = |text: &str, field: &str| -> u64 {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(field)).unwrap();
            line.trim().parse().unwrap()
        };
        let pods = std::fs::read_to_string(format!("{DEPLOY}/kubernetes/statefulset.yaml")).unwrap();
        let grace = number(&map.data["config.yaml"], "grace_seconds:");
        assert!(
            number(&pods, "terminationGracePeriodSeconds:") >= grace + 30,
            "shipping and giving back take time too"
        );
    }
}
