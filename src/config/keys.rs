//! The names of all keys, to refuse others and to say what was probably meant.

use figment::value::Value;

use super::problem::Problems;

/// How the value of an environment variable is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is: a token of digits alone stays a text.
    Text,
    /// As a TOML number or boolean.
    Plain,
    /// As a TOML array, or words with commas between.
    List,
    /// Not at all: it has keys below it.
    Table,
}

/// Every key. Those of a project stand below `projects`.
pub(super) const KEYS: &[(&str, Form)] = &[
    ("state_dir", Form::Text),
    ("discord", Form::Table),
    ("discord.token", Form::Text),
    ("discord.token_file", Form::Text),
    ("discord.guild_id", Form::Text),
    ("discord.api_resolve", Form::Text),
    ("discord.ca_file", Form::Text),
    ("discord.activity_reactions", Form::Plain),
    ("discord.starts_per_hour_max", Form::Plain),
    ("discord.request_secs_max", Form::Plain),
    ("discord.calls_per_sec_max", Form::Plain),
    ("access", Form::Table),
    ("access.users", Form::List),
    ("access.roles", Form::List),
    ("access.everyone", Form::Plain),
    ("access.owner", Form::Plain),
    ("access.tier", Form::Text),
    ("access.blocked", Form::List),
    ("access.reset", Form::Text),
    ("access.approvals", Form::Text),
    ("access.approval_roles", Form::List),
    ("access.second_person", Form::List),
    ("access.people", Form::Table),
    ("access.people.tier", Form::Text),
    ("access.people.users", Form::List),
    ("access.people.roles", Form::List),
    ("access.people.everyone", Form::Plain),
    ("access.people.guild", Form::Text),
    ("access.people.channels", Form::List),
    ("claude", Form::Table),
    ("claude.command", Form::Text),
    ("claude.args", Form::List),
    ("claude.inherit_env", Form::List),
    ("claude.model", Form::Text),
    ("claude.permission_mode", Form::Text),
    ("claude.allow_bypass", Form::Plain),
    ("claude.warm_idle_secs", Form::Plain),
    ("claude.prestart", Form::Plain),
    ("claude.slash_commands", Form::List),
    ("claude.env", Form::Table),
    ("policy", Form::Table),
    ("policy.allow", Form::List),
    ("policy.ask", Form::List),
    ("policy.deny", Form::List),
    ("limits", Form::Table),
    ("limits.running_turns_max", Form::Plain),
    ("limits.queued_prompts_max", Form::Plain),
    ("limits.warm_processes_max", Form::Plain),
    ("limits.memory_free_bytes_min", Form::Plain),
    ("limits.turn_secs_max", Form::Plain),
    ("limits.silence_secs_max", Form::Plain),
    ("limits.output_bytes_max", Form::Plain),
    ("limits.ask_secs_max", Form::Plain),
    ("limits.ask_remind_secs_max", Form::Plain),
    ("limits.orphan_secs_max", Form::Plain),
    ("limits.attachment_bytes_max", Form::Plain),
    ("limits.attachments_max", Form::Plain),
    ("limits.disk_free_bytes_min", Form::Plain),
    ("limits.catch_up_secs_max", Form::Plain),
    ("limits.catch_up_prompts_max", Form::Plain),
    ("limits.history_days", Form::Plain),
    ("log", Form::Table),
    ("log.level", Form::Text),
    ("log.dir", Form::Text),
    ("log.file_bytes_max", Form::Plain),
    ("log.files_kept", Form::Plain),
    ("projects", Form::Table),
    ("projects.name", Form::Text),
    ("projects.channel_id", Form::Text),
    ("projects.dir", Form::Text),
    ("projects.respond_to", Form::Text),
    ("projects.conversation", Form::Text),
    ("projects.while_running", Form::Text),
    ("projects.model", Form::Text),
    ("projects.permission_mode", Form::Text),
    ("projects.allow_bypass", Form::Plain),
    ("projects.slash_commands", Form::List),
    ("projects.users", Form::List),
    ("projects.roles", Form::List),
    ("projects.tier", Form::Text),
    ("projects.approvals", Form::Text),
    ("projects.approval_roles", Form::List),
    ("projects.second_person", Form::List),
    ("projects.allowed_tools", Form::List),
    ("projects.disallowed_tools", Form::List),
    ("projects.rules", Form::Table),
    ("projects.rules.allow", Form::List),
    ("projects.rules.ask", Form::List),
    ("projects.rules.deny", Form::List),
    ("projects.system_prompt", Form::Text),
    ("projects.people", Form::Table),
    ("projects.people.tier", Form::Text),
    ("projects.people.users", Form::List),
    ("projects.people.roles", Form::List),
    ("projects.people.everyone", Form::Plain),
    ("projects.people.guild", Form::Text),
    ("projects.people.channels", Form::List),
];

/// The form of a key, if there is such a key.
pub(super) fn form(key: &str) -> Option<Form> {
    KEYS.iter().find(|(known, _)| *known == key).map(|(_, form)| *form)
}

/// Refuses the unknown keys of a whole configuration.
pub(super) fn check(root: &figment::value::Dict, problems: &mut Problems) {
    for (key, value) in root {
        check_key(key, key, value, problems);
    }
}

/// `key` is the name in [`KEYS`], `shown` the one with the index of the project in it.
fn check_key(key: &str, shown: &str, value: &Value, problems: &mut Problems) {
    if form(key).is_none() {
        problems.add(shown, unknown(key));
        return;
    }
    if key == "claude.env" {
        return;
    }
    match value {
        Value::Dict(_, below) => {
            for (name, value) in below {
                check_key(&format!("{key}.{name}"), &format!("{shown}.{name}"), value, problems);
            }
        }
        Value::Array(_, items) if form(key) == Some(Form::Table) => {
            for (index, item) in items.iter().enumerate() {
                check_key(key, &format!("{shown}[{index}]"), item, problems);
            }
        }
        _ => {}
    }
}

/// What to say of an unknown key.
pub(super) fn unknown(key: &str) -> String {
    match nearest_key(key) {
        Some(known) => format!("there is no such key; did you mean {known}?"),
        None => "there is no such key; config.example.toml shows them all".to_owned(),
    }
}

/// The known key that is most like this one: of the same section rather than of another.
fn nearest_key(key: &str) -> Option<&'static str> {
    let (section, name) = split(key);
    KEYS.iter()
        .map(|(known, _)| {
            let (known_section, known_name) = split(known);
            let likeness = strsim::jaro_winkler(name, known_name);
            // Somebody who wrote `LIMITS_TURN_SECS_MAX` forgot one underscore.
            let flat =
                if section.is_empty() { strsim::jaro_winkler(key, &known.replace('.', "_")) } else { 0.0 };
            let home = if section == known_section { 0.05 } else { 0.0 };
            (likeness.max(flat) + home, *known)
        })
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, known)| known)
}

/// The word that is most like this one, if any is like it at all.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&word, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, known)| known)
}

fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('.').unwrap_or(("", key))
}
